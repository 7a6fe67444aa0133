// Rows of one type into rows of another, in L1 and in L2. Bytes read and bytes written count; a share of 100% is a
// copy.
#include <string>

#include "base/dtype.h"
#include "data.h"
#include "dispatch/registry.h"
#include "measure.h"

namespace convcorr::bench {
namespace {

struct Load {
  DType from;
  Compute to;
  index_t step = 1;  // items of the source from one element to the next
};
struct Store {
  Compute from;
  DType to;
};

constexpr Load loads[] = {{DType::boolean, Compute::u16}, {DType::u8, Compute::u16},   {DType::u8, Compute::f32},
                          {DType::i16, Compute::f32},     {DType::f16, Compute::f32},  {DType::f32, Compute::f32},
                          {DType::u8, Compute::f64},      {DType::i32, Compute::f64},  {DType::i64, Compute::f64},
                          {DType::f32, Compute::f64},     {DType::f32, Compute::c64},  {DType::c64, Compute::c128},
                          {DType::f32, Compute::f32, 2},  {DType::u8, Compute::f32, 3}};
constexpr Store stores[] = {{Compute::u16, DType::boolean}, {Compute::u16, DType::u8},  {Compute::u32, DType::i16},
                            {Compute::f32, DType::f16},     {Compute::f64, DType::f16}, {Compute::f64, DType::f32},
                            {Compute::c128, DType::c64}};

index_t elements_in(Place place, index_t bytes_each) { return place.bytes / bytes_each; }

void load(benchmark::State& state, Load l, Place place) {
  const load_fn convert = kernels().convert->load[static_cast<int>(l.from)][static_cast<int>(l.to)];
  const index_t in = itemsize(l.from), out = itemsize(l.to), n = elements_in(place, l.step * in + out);
  const Area x(n * l.step * in), y(n * out, middle_of_page);
  fill(l.from, x.data(), n * l.step);
  measure(state, {l.to, 0, n * (l.step * in + out)}, [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) convert(x.data(), l.step * in, n, y.data());
  });
}

void store(benchmark::State& state, Store s, Place place) {
  const store_fn convert = kernels().convert->store[static_cast<int>(s.from)][static_cast<int>(s.to)];
  const index_t in = itemsize(s.from), out = itemsize(s.to), n = elements_in(place, in + out);
  const Area x(n * in), y(n * out, middle_of_page);
  fill(dtype_of(s.from), x.data(), n);
  measure(state, {s.from, 0, n * (in + out)}, [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) convert(x.data(), n, y.data(), out);
  });
}

// Bytes reversed within 2, 4 or 8.
void swap(benchmark::State& state, DType unit, Place place) {
  const auto& table = *kernels().convert;
  const index_t size = itemsize(unit), n = elements_in(place, 2 * size);
  const swap_fn convert = size == 2 ? table.swap2 : size == 4 ? table.swap4 : table.swap8;
  const Area x(n * size), y(n * size, middle_of_page);
  fill(unit, x.data(), n);
  measure(state, {Compute::f32, 0, 2 * n * size}, [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) convert(x.data(), size, n, y.data());
  });
}

}  // namespace

// convert/load/u8:f32/L1
void register_convert() {
  for (Place place : {in_l1(), in_l2()}) {
    const std::string end = std::string("/") + place.name;
    for (const Load& l : loads) {
      const std::string step = l.step == 1 ? "" : "/step:" + std::to_string(l.step);
      const std::string name = std::string("convert/load/") + name_of(l.from) + ":" + name_of(l.to) + step + end;
      benchmark::RegisterBenchmark(name.c_str(), load, l, place)->UseManualTime();
    }
    for (const Store& s : stores) {
      const std::string name = std::string("convert/store/") + name_of(s.from) + ":" + name_of(s.to) + end;
      benchmark::RegisterBenchmark(name.c_str(), store, s, place)->UseManualTime();
    }
    for (DType unit : {DType::u16, DType::u32, DType::u64}) {
      const std::string name = std::string("convert/swap/") + name_of(unit) + end;
      benchmark::RegisterBenchmark(name.c_str(), swap, unit, place)->UseManualTime();
    }
  }
}

}  // namespace convcorr::bench
