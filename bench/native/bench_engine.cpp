// Whole Problems, planned and executed at every call: the `same` convolutions of the project's speed goals that direct
// summation serves. What the bindings add is not in these times; nor is the first touch of a new result.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/dtype.h"
#include "data.h"
#include "execute/execute.h"
#include "measure.h"

namespace convcorr::bench {
namespace {

struct Cell {
  int axes;
  index_t n, k;  // along each of them
  DType type;
  index_t rows = 1;  // signals, each with a kernel of its own
};

constexpr Cell cells[] = {{1, 5, 3, DType::f32},
                          {1, 100, 7, DType::f32},
                          {1, 1'000, 11, DType::f32},
                          {1, 1'000, 101, DType::f32},
                          {1, 100'000, 5, DType::f32},
                          {1, 1'000'000, 9, DType::f32},
                          {1, 1'000'000, 31, DType::f32},
                          {1, 1'000'000, 127, DType::f32},
                          {1, 1'000'000, 31, DType::f64},
                          {1, 1'000'000, 127, DType::f64},
                          {1, 100'000, 31, DType::c64},
                          {1, 1'000'000, 127, DType::c64},
                          {1, 100'000, 129, DType::f32, 64},
                          {2, 8, 3, DType::f32},
                          {2, 64, 3, DType::f32},
                          {2, 256, 5, DType::f32},
                          {2, 1024, 3, DType::f32},
                          {2, 1024, 5, DType::f32},
                          {2, 1024, 7, DType::f32},
                          {2, 1024, 11, DType::f32},
                          {2, 1024, 15, DType::f32},
                          {2, 4096, 3, DType::f32},
                          {2, 4096, 7, DType::f32},
                          {2, 1024, 3, DType::f64},
                          {2, 1024, 5, DType::f64},
                          {2, 1024, 7, DType::f64},
                          {2, 1024, 11, DType::f64},
                          {2, 1024, 15, DType::f64},
                          {2, 4096, 3, DType::f64},
                          {2, 4096, 7, DType::f64},
                          {3, 64, 3, DType::f32},
                          {3, 128, 3, DType::f32},
                          {3, 128, 5, DType::f32},
                          {3, 128, 9, DType::f32},
                          {3, 256, 3, DType::f32}};

index_t power(index_t base, int exponent) {
  index_t result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

index_t samples(const Cell& c) { return c.rows * power(c.n, c.axes); }
index_t taps(const Cell& c) { return c.rows * power(c.k, c.axes); }

Problem problem_of(const Cell& c) {
  Problem p;
  p.x_type = p.h_type = p.y_type = p.sum_type = c.type;
  p.flip = true;
  p.spatial_count = c.axes;
  for (int a = 0; a < c.axes; ++a) {
    SpatialAxis& axis = p.spatial[a] = plain_axis(c.n, c.k, c.n);
    axis.offset = -(c.k - 1) + (c.k - 1) / 2;
    axis.x_stride = axis.y_stride = itemsize(c.type) * power(c.n, c.axes - 1 - a);
    axis.h_stride = itemsize(c.type) * power(c.k, c.axes - 1 - a);
  }
  if (c.rows > 1) {
    const index_t x_stride = c.n * itemsize(c.type), h_stride = c.k * itemsize(c.type);
    p.outer[p.outer_count++] = {Role::group, c.rows, x_stride, h_stride, x_stride};
  }
  return p;
}

Work work_of(const Cell& c, int threads) {
  const Compute compute = c.type == DType::f64 ? Compute::f64 : c.type == DType::c64 ? Compute::c64 : Compute::f32;
  const index_t left = (c.k - 1) / 2, right = c.k / 2;  // taps over the outside aren't counted
  const auto per_axis = static_cast<double>(c.n * c.k - left * (left + 1) / 2 - right * (right + 1) / 2);
  const double products = static_cast<double>(c.rows) * std::pow(per_axis, c.axes) * scalar_products(compute);
  return {compute, products, (2 * samples(c) + taps(c)) * itemsize(c.type), threads};
}

void convolve(benchmark::State& state, Cell c, int threads) {
  const index_t size = itemsize(c.type);
  const Area x(samples(c) * size), h(taps(c) * size), y(samples(c) * size, middle_of_page);
  fill(c.type, x.data(), samples(c));
  fill(c.type, h.data(), taps(c));
  const Problem problem = problem_of(c);
  const Arrays arrays = {x.data(), h.data(), y.data()};
  Run run;
  run.threads = threads;
  run.explicit_threads = true;
  measure(state, work_of(c, threads), [&](index_t calls) {
    for (index_t i = 0; i < calls; ++i) {
      Plan plan;
      make_plan(problem, Method::direct, plan);
      execute(problem, plan, arrays, run);
    }
  });
}

bool wants_threads(const Cell& c) {
  Plan plan;
  make_plan(problem_of(c), Method::direct, plan);
  return plan.seconds >= least_parallel_seconds;
}

}  // namespace

// engine/1d/f32/n:1000000/k:31/threads:2
void register_engine() {
  for (const Cell& c : cells) {
    for (int threads : {1, 2}) {
      if (threads > 1 && !wants_threads(c)) continue;
      const std::string rows = c.rows > 1 ? "/rows:" + std::to_string(c.rows) : "";
      const std::string name = "engine/" + std::to_string(c.axes) + "d/" + name_of(c.type) + rows +
                               "/n:" + std::to_string(c.n) + "/k:" + std::to_string(c.k) +
                               "/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(name.c_str(), convolve, c, threads)->UseManualTime();
    }
  }
}

}  // namespace convcorr::bench
