// What this CPU and this operating system can run.
#pragma once

namespace convcorr {

bool cpu_has_isa(const char* isa);  // "scalar", "sse42", "avx2", "avx512", "neon"

}  // namespace convcorr
