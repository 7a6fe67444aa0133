// Threads: the only place that knows OpenMP.
//
// Work is cut into jobs by the Problem alone, never by the number of threads, and jobs write apart: results are the
// same bits for any number of threads. Jobs are claimed one by one from a shared counter, so that a core which somebody
// else holds costs one job, not its whole half.
#pragma once

#include "base/types.h"

namespace convcorr {

// Asks the interpreter whether to stop. Called between jobs on the calling thread alone, and seldom: `due` is the time
// from which on it should be asked, one for all steps of a call, so that none of many short ones goes without; 0 before
// the first. Null where asking costs nothing.
struct Interrupt {
  bool (*asked)(void* state) = nullptr;
  void* state = nullptr;
  double* due = nullptr;
};

// How a call runs.
struct Run {
  int threads = 1;
  bool explicit_threads = false;  // the caller named the number for this very call
  double seconds = 0;             // predicted for one thread
  Interrupt interrupt;
  int depth = 0;  // of outputs done again: see tile.h
};

// Throws Interrupted where the interpreter asks to stop.
void stop_if_asked(const Interrupt& interrupt);
inline void stop_if_asked(const Run& run) { stop_if_asked(run.interrupt); }

// The same as often as run_jobs does, by the clock: for steps each of which is too short to be asked in.
class Poll {
 public:
  explicit Poll(const Interrupt& interrupt);
  explicit Poll(const Run& run) : Poll(run.interrupt) {}
  void stop_if_asked();

  bool is_due(double time) const { return time >= *due_; }
  bool asked(double time);

 private:
  const Interrupt interrupt_;
  double own_due_ = 0;
  double* const due_;
};

// What a job may ask while it works.
class Worker {
 public:
  virtual bool should_stop() = 0;  // polls the interrupt where it is due; call every few milliseconds

 protected:
  ~Worker() = default;
};

// For steps of a job that ask by themselves.
Interrupt interrupt_of(Worker& worker);

// Calls job(context, number, worker) for every number in [0, jobs). Rethrows the first exception that a job threw;
// throws Interrupted where the interpreter asked to stop.
using job_fn = void (*)(const void* context, index_t number, Worker& worker);
void run_jobs(index_t jobs, const Run& run, job_fn job, const void* context);

template <class Job>
void run_jobs(index_t jobs, const Run& run, const Job& job) {
  run_jobs(
      jobs, run,
      [](const void* context, index_t number, Worker& worker) { (*static_cast<const Job*>(context))(number, worker); },
      &job);
}

// Serial work below this isn't worth a region. (Predictions are of quiet cores: what they call 25 us takes 30 or more.)
constexpr double least_parallel_seconds = 25e-6;

// Installs the handler that keeps a forked child from waiting for threads it doesn't have. Call once, at load.
void guard_forks();

// Threads that OpenMP would give the calling thread (OMP_NUM_THREADS and threadpoolctl act on it); 1 without OpenMP.
int openmp_threads();
int openmp_processors();
const char* openmp_name();  // "OpenMP 201511", or "none"

}  // namespace convcorr
