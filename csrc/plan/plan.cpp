#include "plan/plan.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "plan/cost.h"
#include "plan/depthwise_plan.h"
#include "plan/separable.h"
#include "plan/small.h"
#include "problem/dilated.h"
#include "problem/factors.h"
#include "problem/image_planes.h"
#include "problem/part.h"
#include "problem/upsampled.h"

namespace convcorr {
namespace {

// The most accurate candidate is taken when it is within this of the fastest.
constexpr double close_enough = 1.02;

// Shorter direct work isn't worth asking what an FFT would cost; nor are kernels that no FFT beats.
constexpr double worth_asking_seconds = 1e-6;
constexpr double fewest_taps = 12;

double small_seconds(const Problem& p, double products) {
  const int type = p.sum_type == DType::f32 ? 0 : p.sum_type == DType::f64 ? 1 : p.sum_type == DType::c64 ? 2 : 3;
  const DirectCost& cost = cost_model().isa.small[type];
  const SpatialAxis& lane = p.spatial[p.spatial_count - 1];
  const double rows = products / static_cast<double>(lane.out) / static_cast<double>(lane.kernel);
  const double bytes = 2 * output_count(p) * static_cast<double>(itemsize(p.y_type));
  return products * cost.product + bytes * cost.byte + rows * cost.row + cost.call;
}

void plan_exactly(const Problem& p, Plan& plan, std::vector<Candidate>* record) {
  const double products = output_count(p) * tap_count(p);
  if (is_small(p)) {
    plan.algorithm = Algorithm::small;
    plan.seconds = small_seconds(p, products);
    if (record) record->push_back({.algorithm = Algorithm::small, .seconds = plan.seconds});
    return;
  }
  if (const char* why = refuse_direct(p)) {
    if (record) record->push_back({.algorithm = Algorithm::direct, .refused = why});
    plan.algorithm = Algorithm::reference;
    plan.seconds = products * cost_model().reference_product;
    if (record) record->push_back({.algorithm = Algorithm::reference, .seconds = plan.seconds});
    return;
  }
  plan.algorithm = Algorithm::direct;
  make_direct_plan(p, plan.direct);
  plan.seconds = plan.direct.seconds;
  if (record) {
    record->push_back({.algorithm = Algorithm::direct,
                       .seconds = plan.seconds,
                       .scratch_bytes = plan.direct.job_bytes + plan.direct.taps_bytes,
                       .by_parts = is_pair(plan.direct.compute)});
  }
}

// Candidates from number `first` on are of this way.
void mark_parts(std::vector<Candidate>* record, std::size_t first) {
  for (std::size_t i = first; record && i < record->size(); ++i) (*record)[i].by_parts = true;
}

// Real data with a complex kernel: one real transform there and two back, where they are faster than complex ones.
void plan_parts(const Problem& phase, const FftBlocks& blocks, Plan& plan, std::vector<Candidate>* record) {
  if (!can_split_kernel(phase) || plan.fft.shared) return;  // threads share no tile of a bank
  const std::size_t first = record ? record->size() : 0;
  FftPlan bank;
  const bool fits = make_fft_plan(split_kernel(phase), blocks, bank, record);
  mark_parts(record, first);
  if (!fits || bank.seconds >= plan.fft.seconds) return;
  plan.by_parts = true;
  plan.fft = std::move(bank);
}

bool plan_fft(const Problem& p, const FftBlocks& blocks, Plan& plan, std::vector<Candidate>* record) {
  const auto refuse = [record](const char* why) {
    if (record) record->push_back({.algorithm = Algorithm::fft, .refused = why});
    return false;
  };
  Problem phase = p;
  Arrays nowhere = {};
  plan.phases = phase_count(p);
  if (plan.phases == 0) return refuse("dilated taps with strided outputs, or a border that mixes phases");
  take_phase(phase, nowhere, 0);
  if (const char* why = refuse_fft(phase)) return refuse(why);
  const std::size_t before = record ? record->size() : 0;
  if (!make_fft_plan(phase, blocks, plan.fft, record)) return refuse("no block of a length that fits the kernel");
  plan_parts(phase, blocks, plan, record);
  plan.fft.seconds *= static_cast<double>(plan.phases);
  for (std::size_t i = before; record && i < record->size(); ++i) {
    (*record)[i].seconds *= static_cast<double>(plan.phases);
  }
  return true;
}

// Axis by axis: in some time that its taps decide upon later.
void consider_axes(const Problem& p, Method method, Plan& plan, std::vector<Candidate>* record) {
  constexpr double worth_it = 1.2, shortest_seconds = 5e-6;
  const bool asked = method == Method::separable;
  if (!asked && (method != Method::automatic || plan.seconds < shortest_seconds)) return;
  constexpr double most_taps = 1 << 22;  // a look at all of more would keep Ctrl-C waiting
  const char* why = refuse_separable(p);
  if (!why && !asked && tap_count(p) > most_taps) why = "a kernel too large to be looked at";
  for (int a = 0; a < p.spatial_count && !why && !asked; ++a) {
    if (static_cast<double>(p.spatial[a].kernel) > many_taps(p)) why = "more taps along an axis than sums keep exact";
  }
  if (why) {
    if (record) record->push_back({.algorithm = Algorithm::separable, .refused = why});
    return;
  }
  const double seconds = separable_seconds(p);
  if (record) record->push_back({.algorithm = Algorithm::separable, .seconds = seconds});
  plan.must_separate = asked;
  plan.separates = asked || seconds * worth_it < plan.seconds;
  if (asked) plan.seconds = seconds;
}

// Products of matrices: of layers.
bool plan_gemm(const Problem& p, Plan& plan, std::vector<Candidate>* record) {
  if (const char* why = refuse_gemm(p)) {
    if (record) record->push_back({.algorithm = Algorithm::im2col, .refused = why});
    return false;
  }
  make_gemm_plan(p, plan.gemm);
  if (record) record->push_back({.algorithm = Algorithm::im2col, .seconds = plan.gemm.seconds});
  return true;
}

void take_gemm(Plan& plan) {
  plan.algorithm = Algorithm::im2col;
  plan.seconds = plan.gemm.seconds;
}

// Of a Problem that plan_gemm() described.
bool plan_by_channel(const Problem& p, Plan& plan, double& seconds, std::vector<Candidate>* record) {
  if (const char* why = refuse_depthwise(plan.gemm)) {
    if (record) record->push_back({.algorithm = Algorithm::depthwise, .refused = why});
    return false;
  }
  seconds = plan_depthwise(p, plan.gemm);
  if (record) record->push_back({.algorithm = Algorithm::depthwise, .seconds = seconds});
  return true;
}

void take_depthwise(Plan& plan, double seconds) {
  plan.algorithm = Algorithm::depthwise;
  plan.seconds = seconds;
}

void mark_chosen(const Plan& plan, std::vector<Candidate>& record) {
  Candidate* best = nullptr;
  for (Candidate& c : record) {
    const bool same_way = plan.algorithm != Algorithm::fft || c.by_parts == plan.by_parts;
    if (c.algorithm == plan.algorithm && same_way && !c.refused && (!best || c.seconds < best->seconds)) best = &c;
  }
  if (best) best->chosen = true;
}

// Layers have in channels, be it one.
bool is_layer(const Problem& p) {
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::in_channel) return true;
  }
  return false;
}

// Samples turned into planes, and results back; however those lie, lest the choice depend on it.
double planes_seconds(const Problem& p) {
  constexpr double turned_byte = 0.1e-9;
  const index_t samples = checked_add(x_planes_bytes(p), y_planes_bytes(p));
  return static_cast<double>(samples) * turned_byte;
}

bool plan_winograd(const Problem& dilated, Plan& plan, std::vector<Candidate>* record) {
  const Problem p = without_dilation(as_planes(dilated));
  if (const char* why = refuse_winograd(p)) {
    if (record) record->push_back({.algorithm = Algorithm::winograd, .refused = why});
    return false;
  }
  make_winograd_plan(p, plan.winograd);
  if (x_has_pixels(dilated)) plan.winograd.seconds += planes_seconds(dilated);
  if (record) {
    record->push_back({.algorithm = Algorithm::winograd,
                       .seconds = plan.winograd.seconds,
                       .scratch_bytes = plan.winograd.job_bytes + plan.winograd.shared_bytes});
  }
  return true;
}

void take_winograd(Plan& plan) {
  plan.algorithm = Algorithm::winograd;
  plan.seconds = plan.winograd.seconds;
}

// Of depthwise layers each output sees one channel.
bool by_channel(const Problem& p) {
  for (int a = 0; a < p.outer_count; ++a) {
    if (p.outer[a].role == Role::in_channel && p.outer[a].size > 1) return false;
  }
  return true;
}

// Whether images have lines, or signals are, long enough for direct sums line by line.
bool suits_lines(const Problem& p) {
  constexpr double fewest_outputs = 600;
  constexpr index_t shortest_line = 128;
  double outputs = 1;
  if (p.spatial_count > 1 && p.spatial[p.spatial_count - 1].out < shortest_line) return false;
  for (int a = 0; a < p.spatial_count; ++a) {
    outputs *= static_cast<double>(p.spatial[a].out);
    if (p.spatial[a].stride > 1) return false;
  }
  return outputs >= fewest_outputs;
}

// The ways of layers, whose promise is of the whole output's size, not of each window's.
void consider_layer(const Problem& p, Plan& plan, std::vector<Candidate>* record) {
  if (!is_layer(p)) return;
  // Direct sums over channels take many times what is predicted of a plane's.
  constexpr double fewest_products = 20e3;
  const bool many = output_count(p) * tap_count(p) > fewest_products && plan.algorithm != Algorithm::fft;
  const bool first = many && (!by_channel(p) || has_many_taps(p) || !suits_lines(p));
  if (plan_gemm(p, plan, record)) {
    double seconds = 0;
    if (plan_by_channel(p, plan, seconds, record)) {
      constexpr double doubt = 1.6;  // of long lines more is predicted than measured
      if (first || seconds * doubt < plan.seconds) take_depthwise(plan, seconds);
    } else if (first || plan.gemm.seconds < plan.seconds) {
      take_gemm(plan);
    }
  }
  constexpr index_t fewest_channels = 16;  // with fewer, the transforms outweigh the products that they save
  if (plan_winograd(p, plan, record) && plan.winograd.seconds < plan.seconds &&
      std::min(plan.winograd.ins, plan.winograd.outs) >= fewest_channels) {
    take_winograd(plan);
  }
}

void choose(const Problem& p, Method method, Plan& plan, const FftBlocks& blocks, std::vector<Candidate>* record) {
  if (method == Method::reference) {
    plan.algorithm = Algorithm::reference;
    plan.seconds = output_count(p) * tap_count(p) * cost_model().reference_product;
    if (record) record->push_back({.algorithm = Algorithm::reference, .seconds = plan.seconds});
    return;
  }
  if (method == Method::fft && plan_fft(p, blocks, plan, record)) {
    plan.algorithm = Algorithm::fft;
    plan.seconds = plan.fft.seconds;
    return;
  }
  if (method == Method::im2col && plan_gemm(p, plan, record)) return take_gemm(plan);
  if (method == Method::winograd && plan_winograd(p, plan, record)) return take_winograd(plan);
  double seconds = 0;
  if (method == Method::depthwise && plan_gemm(p, plan, record) && plan_by_channel(p, plan, seconds, record)) {
    return take_depthwise(plan, seconds);
  }
  plan_exactly(p, plan, record);
  if (method == Method::direct || method == Method::separable || method == Method::fft) return;
  if (has_many_taps(p) && plan.algorithm != Algorithm::reference) {  // in halves
    const double bytes = output_count(p) * static_cast<double>(itemsize(p.sum_type));
    const double parts = std::min(tap_count(p) / many_taps(p), 16.0);
    plan.seconds += 4e-6 + parts * bytes * 6e-11;
    if (record) record->back().seconds = plan.seconds;
  }
  const bool asks = plan.seconds > worth_asking_seconds && tap_count(p) >= fewest_taps;
  if (!asks && record) {
    record->push_back({.algorithm = Algorithm::fft, .refused = "direct sums of so few products are faster"});
  }
  if (asks && plan_fft(p, blocks, plan, record) && plan.fft.seconds * close_enough < plan.seconds) {
    plan.algorithm = Algorithm::fft;
    plan.seconds = plan.fft.seconds;
  }
  consider_layer(p, plan, record);
}

}  // namespace

// Products of one sign lose K/6 u when summed one by one, and K/4 u where all are equal; complex ones somewhat more.
// Promised is 8 u log2(K + 1), which 256 equal ones pass.
double many_taps(const Problem& p) { return is_complex(p.sum_type) && !has_real_factor(p) ? 128 : 240; }

bool adds_bias(const Plan& plan) {
  return plan.algorithm == Algorithm::winograd || plan.algorithm == Algorithm::depthwise ||
         (plan.algorithm == Algorithm::im2col && !plan.in_halves);
}

bool has_many_taps(const Problem& p) {
  const bool floating =
      p.sum_type == DType::f32 || p.sum_type == DType::f64 || p.sum_type == DType::c64 || p.sum_type == DType::c128;
  const bool free = p.summation == Summation::fast && p.divisor == 1;
  return floating && free && p.spatial_count > 0 && tap_count(p) > many_taps(p);
}

namespace {

// Zeros between samples: each phase is planned by itself, when it runs.
bool plan_upsampled(const Problem& p, Method method, Plan& plan, const FftBlocks& blocks,
                    std::vector<Candidate>* record) {
  plan.upsampled = method == Method::reference ? 1 : upsampled_phases(p);
  if (plan.upsampled < 2 || p.summation != Summation::fast) {
    plan.upsampled = 1;
    return false;
  }
  Problem first = p;
  Arrays nowhere = {};
  take_upsampled_phase(first, nowhere, 0);
  const index_t phases = plan.upsampled;
  make_plan(first, method, plan, blocks, record);
  plan.upsampled = phases;
  plan.seconds = std::max(plan.seconds * static_cast<double>(phases),
                          output_count(p) * static_cast<double>(itemsize(p.y_type)) * cost_model().line_byte);
  plan.separates = plan.in_halves = false;
  plan.phases = 1;
  return true;
}

}  // namespace

void make_plan(const Problem& p, Method method, Plan& plan, const FftBlocks& blocks, std::vector<Candidate>* record) {
  plan.method = method;
  if (plan_upsampled(p, method, plan, blocks, record)) return;
  const FftBlocks& forced = forced_fft_blocks();
  const bool by_thread = method == Method::fft && blocks.axes == 0;
  choose(p, method, plan, by_thread ? forced : blocks, record);
  const bool sums = plan.algorithm == Algorithm::direct || plan.algorithm == Algorithm::small;
  const bool exactly =
      method == Method::direct || method == Method::separable || method == Method::fft || method == Method::reference;
  plan.in_halves = !exactly && sums && has_many_taps(p) && !refuse_direct(p);
  if (plan.algorithm == Algorithm::im2col) plan.in_halves = tap_count(p) > most_gemm_depth;
  if (record) mark_chosen(plan, *record);
  consider_axes(p, method, plan, record);
}

void refuse_kernel() {
  throw ValueError(
      "h is not the outer product of kernels along one axis each; method 'separable' takes one that is, or rtol, to "
      "take the products that come near it");
}

void settle(const Problem& p, const char* h, Plan& plan, std::vector<Candidate>* record) {
  if (!plan.separates) return;
  plan.separates = factorize(p, h).has_value();
  if (!plan.separates && plan.must_separate) refuse_kernel();
  if (plan.separates) {
    plan.algorithm = Algorithm::separable;
    plan.seconds = separable_seconds(p);
  }
  if (!record) return;
  for (Candidate& c : *record) {
    const bool is_it = c.algorithm == Algorithm::separable;
    if (plan.separates) c.chosen = is_it;
    if (is_it && !plan.separates) c.refused = "the kernel is not an outer product";
  }
}

}  // namespace convcorr
