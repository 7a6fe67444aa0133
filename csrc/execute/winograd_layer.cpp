#include "execute/image_planes.h"
#include "execute/winograd.h"
#include "problem/dilated.h"
#include "problem/image_planes.h"

namespace convcorr {
namespace {

void run_planes(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const PreparedWinograd* prepared,
                const Run& run) {
  if (prepared && prepared->serves(w)) return prepared->run(p, w, arrays, run);
  run_winograd(p, w, arrays, run);
}

}  // namespace

void run_winograd_layer(const Problem& p, const WinogradPlan& w, const Arrays& arrays, const PreparedWinograd* prepared,
                        const Run& run) {
  if (!x_has_pixels(p)) return run_planes(without_dilation(p), w, arrays, prepared, run);
  run_on_planes(p, arrays, w.shared_bytes + w.job_bytes, run, [&](const Problem& part, const Arrays& planes) {
    const Problem plain = without_dilation(part);
    WinogradPlan of_part;  // of fewer images, perhaps
    make_winograd_plan(plain, of_part, w.lane.outputs);
    run_planes(plain, of_part, planes, prepared, run);
  });
}

}  // namespace convcorr
