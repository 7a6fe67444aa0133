#include "execute/parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"
#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace convcorr {
namespace {

using Clock = std::chrono::steady_clock;
double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

constexpr double first_poll = 100e-3, poll_interval = 50e-3;

// One call's jobs, shared by its team.
struct Team {
  Team(index_t jobs, job_fn job, const void* context, Interrupt interrupt)
      : jobs(jobs), job(job), context(context), interrupt(interrupt) {}

  const index_t jobs;
  const job_fn job;
  const void* const context;
  const Interrupt interrupt;
  std::atomic<index_t> next{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> interrupted{false};
  std::mutex mutex;
  std::exception_ptr error;

  void fail(std::exception_ptr e) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!error) error = e;
    stop.store(true, std::memory_order_relaxed);
  }

  void finish() const {
    if (error) std::rethrow_exception(error);
    if (interrupted.load(std::memory_order_relaxed)) throw Interrupted();
  }
};

class TeamWorker final : public Worker {
 public:
  TeamWorker(Team& team, bool polls)
      : team_(team), polls_(polls && team.interrupt.asked), poll_(polls_ ? team.interrupt : Interrupt()) {}

  bool should_stop() override {
    if (polls_ && look() && poll_.is_due(seen_) && poll_.asked(seen_)) {
      team_.interrupted.store(true, std::memory_order_relaxed);
      team_.stop.store(true, std::memory_order_relaxed);
    }
    return team_.stop.load(std::memory_order_relaxed);
  }

 private:
  Team& team_;
  const bool polls_;
  Poll poll_;
  // Whether this call should read the clock, which costs as much as a small row: every one where calls are far apart,
  // else every eighth.
  bool look() {
    if (!far_apart_ && ++calls_ % 8 != 0) return false;
    const double time = now();
    far_apart_ = time - seen_ > (far_apart_ ? 1e-3 : 8e-3);
    seen_ = time;
    return true;
  }

  double seen_ = 0;
  bool far_apart_ = true;
  unsigned calls_ = 0;
};

void work(Team& team, bool polls) {
  TeamWorker worker(team, polls);
  try {
    for (;;) {
      const index_t number = team.next.fetch_add(1, std::memory_order_relaxed);
      if (number >= team.jobs) return;
      if (worker.should_stop()) return;
      team.job(team.context, number, worker);
    }
  } catch (...) {
    team.fail(std::current_exception());
  }
}

// Work so short that neither a clock nor a team is worth asking for.
constexpr double too_short_to_stop = 20e-6;

class IdleWorker final : public Worker {
 public:
  bool should_stop() override { return false; }
};

void work_briefly(index_t jobs, job_fn job, const void* context) {
  IdleWorker worker;
  for (index_t number = 0; number < jobs; ++number) job(context, number, worker);
}

std::atomic<bool> orphaned{false};  // a forked child: a team that its thread had, ours or another library's, is gone

void open_region(Team& team, int threads, bool caller_polls) {
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
  work(team, caller_polls && omp_get_thread_num() == 0);
#else
  (void)threads;
  work(team, caller_polls);
#endif
}

// In a forked child a region from this thread would wait for ever for a team that the parent had. A new thread has no
// team yet and may open one; the caller meanwhile looks after interrupts.
void open_region_apart(Team& team, int threads) {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::thread opener([&] {
    open_region(team, threads, false);
    const std::lock_guard<std::mutex> lock(mutex);
    done = true;
    finished.notify_one();
  });
  TeamWorker poller(team, true);
  std::unique_lock<std::mutex> lock(mutex);
  while (!finished.wait_for(lock, std::chrono::milliseconds(20), [&] { return done; })) {
    lock.unlock();
    poller.should_stop();
    lock.lock();
  }
  lock.unlock();
  opener.join();
}

// A core that another process holds makes a region's join wait for whole time slices. Where that happened, this thread
// works alone for a while: 20 times what was lost, or of a longer loss what is counted at most.
class BackOff {
 public:
  bool active() const { return now() < until_; }
  void learn(double predicted, double took) {
    const double loss = took - predicted;
    const bool tells = took < longest || took > 4 * predicted;  // long work can't lose much by a coarse prediction
    if (loss > 0.2e-3 + 0.1 * predicted && tells) until_ = now() + 20 * (loss < longest ? loss : longest);
  }

 private:
  static constexpr double longest = 20e-3;
  double until_ = 0;
};
thread_local BackOff back_off;

}  // namespace

void stop_if_asked(const Interrupt& interrupt) {
  if (interrupt.asked && interrupt.asked(interrupt.state)) throw Interrupted();
}

Interrupt interrupt_of(Worker& worker) {
  return {[](void* state) { return static_cast<Worker*>(state)->should_stop(); }, &worker};
}

Poll::Poll(const Interrupt& interrupt)
    : interrupt_(interrupt), due_(interrupt_.asked && interrupt_.due ? interrupt_.due : &own_due_) {
  if (due_ != &own_due_ && *due_ == 0) *due_ = now() + first_poll;
}

bool Poll::asked(double time) {
  const bool stop = interrupt_.asked && interrupt_.asked(interrupt_.state);
  *due_ = time + poll_interval;
  return stop;
}

void Poll::stop_if_asked() {
  const double time = now();
  if (is_due(time) && asked(time)) throw Interrupted();
}

void run_jobs(index_t jobs, const Run& run, job_fn job, const void* context) {
  if (run.seconds < too_short_to_stop) return work_briefly(jobs, job, context);
  Team team(jobs, job, context, run.interrupt);
  const index_t threads = run.threads < jobs ? run.threads : jobs;
  const bool alone = threads <= 1 || run.seconds < least_parallel_seconds || back_off.active();
  const bool cut_off = orphaned.load(std::memory_order_relaxed);
  if (alone || (cut_off && !run.explicit_threads)) {
    work(team, true);
  } else if (cut_off) {
    open_region_apart(team, static_cast<int>(threads));
  } else {
    const double start = now();
    open_region(team, static_cast<int>(threads), true);
    back_off.learn(run.seconds, now() - start);
  }
  team.finish();
}

void guard_forks() {
#if defined(__unix__) || defined(__APPLE__)
  pthread_atfork(nullptr, nullptr, [] { orphaned.store(true, std::memory_order_relaxed); });
#endif
}

#if defined(_OPENMP)
int openmp_threads() { return omp_get_max_threads(); }
int openmp_processors() { return omp_get_num_procs(); }
#define CONVCORR_STRING_OF(x) #x
#define CONVCORR_STRING(x) CONVCORR_STRING_OF(x)
const char* openmp_name() { return "OpenMP " CONVCORR_STRING(_OPENMP); }
#else
int openmp_threads() { return 1; }
int openmp_processors() { return 1; }
const char* openmp_name() { return "none"; }
#endif

}  // namespace convcorr
