
// What CuPy's own sources need beyond tests/strict_cupy/on_cpu.h, which is put before it.
#include <stddef.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

using std::isinf;
using std::isnan;
using std::signbit;
static const int warpSize = 32;

template <class A, class B>
std::common_type_t<A, B> max(A a, B b) {
  return a < b ? b : a;
}
template <class A, class B>
std::common_type_t<A, B> min(A a, B b) {
  return b < a ? b : a;
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
template <class T>
T __ldg(const T* p) {
  return *p;
}

template <class T>
T __shfl_xor_sync(unsigned, T x, int other, int = warpSize) {
  static T of_thread[on_cpu::MOST];
  const int here = on_cpu::current;
  of_thread[here] = x;
  on_cpu::give_way();  // until all of the warp have come here
  T y = of_thread[here ^ other];
  on_cpu::give_way();
  return y;
}

// Threads take turns: nobody comes between.
template <class T, class F>
T changed(T* p, F change) {
  T old = *p;
  *p = change(old);
  return old;
}
template <class T, class V>
T atomicAdd(T* p, V v) {
  return changed(p, [v](T old) { return T(old + T(v)); });
}
template <class T, class V>
T atomicMax(T* p, V v) {
  return changed(p, [v](T old) { return old < T(v) ? T(v) : old; });
}
template <class T, class V>
T atomicMin(T* p, V v) {
  return changed(p, [v](T old) { return T(v) < old ? T(v) : old; });
}
template <class T, class V>
T atomicExch(T* p, V v) {
  return changed(p, [v](T) { return T(v); });
}
template <class T, class U, class V>
T atomicCAS(T* p, U expected, V v) {
  return changed(p, [=](T old) { return old == T(expected) ? T(v) : old; });
}

template <class To, class From>
To same_bits(From x) {
  To y;
  static_assert(sizeof x == sizeof y);
  std::memcpy(&y, &x, sizeof y);
  return y;
}
inline float __int_as_float(int x) { return same_bits<float>(x); }
inline int __float_as_int(float x) { return same_bits<int>(x); }
inline double __longlong_as_double(long long x) { return same_bits<double>(x); }
inline long long __double_as_longlong(double x) { return same_bits<long long>(x); }
inline unsigned short __float2half_rn(float x) { return same_bits<unsigned short>(_Float16(x)); }
inline float __half2float(unsigned short x) { return same_bits<_Float16>(x); }

struct half;  // CuPy's
unsigned short __half_as_ushort(half);
half __ushort_as_half(unsigned short);

#include <cupy/atomics.cuh>
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>
#include <cupy/math_constants.h>

inline unsigned short __half_as_ushort(half x) { return same_bits<unsigned short>(x); }
inline half __ushort_as_half(unsigned short x) { return same_bits<half>(x); }
