// A Problem over x with zeros between its samples, as Problems without: outputs that see the same taps go together.
//
//   x with zeros   a . . b . . c        outputs 0, 3, 6, ... see taps 0, 3, 6, ...; outputs 1, 4, ... others
#pragma once

#include "problem/problem.h"

namespace convcorr {

// How many there are; 1 where x has no zeros between, 0 where outputs stride along such an axis.
index_t upsampled_phases(const Problem& p);

// Turns p, and where its arrays begin, into number `phase` of them; one that no sample is seen in sums nothing. False
// where it has no outputs.
bool take_upsampled_phase(Problem& p, Arrays& arrays, index_t phase);

}  // namespace convcorr
