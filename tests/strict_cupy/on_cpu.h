// CUDA C++ on the CPU, by g++.  Blocks run one after the other.  The threads of a block take turns:
// each has a stack of its own, and gives way at a barrier.  Without a barrier in the source, each
// runs to its end before the next one starts.
#undef _FORTIFY_SOURCE  // which takes a jump to another stack for an error
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#define __global__
#define __device__
#define __shared__ static  // blocks come one after the other, so one of each is enough

using std::isfinite;
using std::max;
using std::min;

struct dim3 {
  unsigned x, y, z;
};
static dim3 threadIdx, blockIdx, blockDim, gridDim;

static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned __int128)a * b >> 64;
}

namespace on_cpu {

const int STACK = 1 << 16, MOST = 1024;
static void (*work)(void**);
static void** values;
static jmp_buf home, places[MOST];  // where to go on: the loop over threads, and each thread
static bool started[MOST], ended[MOST];
static int current;
static int alive, waiting, barrier;  // threads that have not ended, those at the barrier, its number

static inline void give_way() {
  if (!_setjmp(places[current])) _longjmp(home, 1);
}

static inline void pass_if_all_are_here() {
  if (alive == waiting) waiting = 0, barrier++;
}

static inline void wait_for_all() {
  int here = barrier;
  waiting++;
  pass_if_all_are_here();
  while (barrier == here) give_way();
}

static void thread() {  // on a stack of its own, for all blocks of all launches
  for (;;) {
    work(values);
    ended[current] = true;
    alive--;
    pass_if_all_are_here();
    give_way();
  }
}

static void to_next_barrier(int t) {
  current = t;
  threadIdx = {t % blockDim.x, t / blockDim.x % blockDim.y, t / (blockDim.x * blockDim.y)};
  if (_setjmp(home)) return;
  if (started[t]) _longjmp(places[t], 1);
  started[t] = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = malloc(STACK);
  context.uc_stack.ss_size = STACK;
  makecontext(&context, thread, 0);
  setcontext(&context);
}

static void block_with_barriers(int threads) {
  std::fill(ended, ended + threads, false);
  alive = threads, waiting = 0;
  for (bool going = true; going;) {
    going = false;
    for (int t = 0; t < threads; t++)
      if (!ended[t]) to_next_barrier(t), going |= !ended[t];
  }
}

template <auto kernel, class... A, std::size_t... I>
void call(void (*)(A...), void** values, std::index_sequence<I...>) {
  kernel(*(A*)values[I]...);
}
template <auto kernel, class... A>
void call(void (*it)(A...), void** values) {
  call<kernel>(it, values, std::index_sequence_for<A...>{});
}

template <auto kernel>
void run(void** given, const unsigned* grid, const unsigned* block, bool barriers) {
  work = [](void** values) { call<kernel>(kernel, values); };
  values = given;
  gridDim = {grid[0], grid[1], grid[2]}, blockDim = {block[0], block[1], block[2]};
  for (unsigned z = 0; z < grid[2]; z++)
    for (unsigned y = 0; y < grid[1]; y++)
      for (unsigned x = 0; x < grid[0]; x++) {
        blockIdx = {x, y, z};
        if (barriers) {
          block_with_barriers(block[0] * block[1] * block[2]);
          continue;
        }
        for (unsigned k = 0; k < block[2]; k++)
          for (unsigned j = 0; j < block[1]; j++)
            for (unsigned i = 0; i < block[0]; i++) {
              threadIdx = {i, j, k};
              call<kernel>(kernel, given);
            }
      }
}

template <class... A>
const std::size_t* sizes(void (*)(A...)) {  // of the parameters, and a 0
  static const std::size_t found[] = {sizeof(A)..., 0};
  return found;
}

}  // namespace on_cpu

static inline void __syncthreads() { on_cpu::wait_for_all(); }
static inline void __syncwarp() { on_cpu::give_way(); }  // enough where all of a warp come by

#define ON_CPU(NAME, BARRIERS)                                                                \
  extern "C" void NAME##_launch(void** values, const unsigned* grid, const unsigned* block) { \
    on_cpu::run<NAME>(values, grid, block, BARRIERS);                                         \
  }                                                                                           \
  extern "C" const std::size_t* NAME##_sizes() { return on_cpu::sizes(NAME); }
