// CUDA's runtime, its driver and cuBLAS on the CPU: as much of them as CuPy 14.2 asks for here.
//
// runtime_NAME and driver_NAME have the signature of NAME in CuPy's table of C functions, whose last
// parameter says whether a method may be overridden.  Everything happens at once, and in order: there
// is nothing to wait for.
#include <Python.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using Address = intptr_t;

static Address missing(const char* what) {
  PyErr_Format(PyExc_NotImplementedError, "the emulator has no %s.", what);
  return 0;
}

extern "C" {

// -- the device ---------------------------------------------------------------------------------

int runtime_getDeviceCount(int) { return 1; }
int runtime_getDevice(int) { return 0; }
PyObject* runtime_setDevice(int, int) { Py_RETURN_NONE; }
PyObject* runtime__ensure_context() { Py_RETURN_NONE; }
int runtime_driverGetVersion(int) { return 12090; }
int runtime_deviceCanAccessPeer(int, int, int) { return 0; }
Address driver_ctxGetCurrent(int) { return 1; }
int driver_ctxGetDevice(int) { return 0; }

PyObject* runtime_getDeviceProperties(int, int) {
  return Py_BuildValue(
      "{s:y,s:i,s:i,s:i,s:i,s:i}", "name", "CPU", "warpSize", 32, "multiProcessorCount", 132,
      "major", 9, "minor", 0, "maxThreadsPerBlock", 1024);
}

int runtime_deviceGetAttribute(int attribute, int, int) {  // of an H200
  switch (attribute) {
    case 1: return 1024;         // threads in a block
    case 5: return 2147483647;   // blocks in a grid
    case 8: return 48 << 10;     // bytes of shared memory in a block
    case 10: return 32;          // threads in a warp
    case 12: return 1 << 16;     // registers in a block
    case 16: return 132;         // multiprocessors
    case 39: return 2048;        // threads in a multiprocessor
    case 75: return 9;           // compute capability 9.0
    case 76: return 0;
    case 81: return 228 << 10;   // bytes of shared memory in a multiprocessor
    case 97: return 227 << 10;   // the same in a block that asks for it
  }
  missing(("attribute " + std::to_string(attribute)).c_str());
  return 0;
}

// -- memory -------------------------------------------------------------------------------------

Address runtime_malloc(size_t size, int) {
  size = (size + 511) / 512 * 512;
  void* memory = std::aligned_alloc(512, size);
  if (!memory) return PyErr_NoMemory(), 0;
  std::memset(memory, 0xff, size);  // what nobody has written is NaN, or -1
  return (Address)memory;
}
Address runtime_hostAlloc(size_t size, unsigned, int) { return runtime_malloc(size, 0); }
PyObject* runtime_free(Address memory, int) {
  std::free((void*)memory);
  Py_RETURN_NONE;
}
PyObject* runtime_freeHost(Address memory, int) { return runtime_free(memory, 0); }
PyObject* runtime_memGetInfo(int) {
  return Py_BuildValue("(nn)", (Py_ssize_t)1 << 40, (Py_ssize_t)1 << 40);
}
int runtime_pointerGetMemoryType(Address, int) { return 0; }

PyObject* runtime_memcpy(Address to, Address from, size_t size, int, int) {
  std::memcpy((void*)to, (void*)from, size);
  Py_RETURN_NONE;
}
PyObject* runtime_memcpyAsync(Address to, Address from, size_t size, int kind, Address, int) {
  return runtime_memcpy(to, from, size, kind, 0);
}
PyObject* runtime_memset(Address to, int value, size_t size, int) {
  std::memset((void*)to, value, size);
  Py_RETURN_NONE;
}
PyObject* runtime_memsetAsync(Address to, int value, size_t size, Address, int) {
  return runtime_memset(to, value, size, 0);
}

// -- streams and events -------------------------------------------------------------------------

static Address made() {
  static Address number = 16;  // smaller ones mean the streams that there always are
  return number++;
}

PyObject* runtime_deviceSynchronize(int) { Py_RETURN_NONE; }
Address runtime_streamCreate(int) { return made(); }
Address runtime_streamCreateWithFlags(unsigned, int) { return made(); }
Address runtime_streamCreateWithPriority(unsigned, int, int) { return made(); }
PyObject* runtime_streamDestroy(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_streamSynchronize(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_streamQuery(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_streamWaitEvent(Address, Address, int, void*) { Py_RETURN_NONE; }
int runtime_streamIsCapturing(Address, int) { return 0; }
unsigned runtime_streamGetFlags(Address, int) { return 0; }
Address runtime_eventCreate(int) { return made(); }
Address runtime_eventCreateWithFlags(unsigned, int) { return made(); }
PyObject* runtime_eventDestroy(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_eventRecord(Address, Address, int) { Py_RETURN_NONE; }
PyObject* runtime_eventSynchronize(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_eventQuery(Address, int) { Py_RETURN_NONE; }
float runtime_eventElapsedTime(Address, Address, int) { return 1; }

// -- kernels: each is a function of a library that g++ has made ------------------------------------

using Launch = void (*)(void** values, const unsigned* grid, const unsigned* block);

Address driver_moduleLoadData(PyObject* path, int) {
  void* library = dlopen(PyBytes_AsString(path), RTLD_NOW | RTLD_LOCAL);
  if (!library) PyErr_SetString(PyExc_RuntimeError, dlerror());
  return (Address)library;
}
PyObject* driver_moduleUnload(Address, int) { Py_RETURN_NONE; }
Address driver_moduleGetFunction(Address library, PyObject* name, int) {
  void* launch = dlsym((void*)library, (PyUnicode_AsUTF8(name) + std::string("_launch")).c_str());
  if (!launch) PyErr_Format(PyExc_RuntimeError, "there is no kernel %U.", name);
  return (Address)launch;
}
PyObject* driver_launchKernel(
    Address launch, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
    unsigned dynamic, Address, Address values, Address, int) {
  if (dynamic) return (PyObject*)missing("shared memory whose size the launch says");
  if (!(gx && gy && gz && bx && by && bz) || (size_t)bx * by * bz > 1024)
    return PyErr_Format(
        PyExc_ValueError, "a launch of (%u, %u, %u) blocks of (%u, %u, %u) threads.", gx, gy, gz,
        bx, by, bz);
  const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
  ((Launch)launch)((void**)values, grid, block);
  Py_RETURN_NONE;
}
int driver_funcGetAttribute(int, Address, int) { return 0; }
PyObject* driver_funcSetAttribute(Address, int, int, int) { Py_RETURN_NONE; }
int driver_occupancyMaxActiveBlocksPerMultiprocessor(Address, int, size_t, int) { return 4; }
PyObject* driver_occupancyMaxPotentialBlockSize(Address, size_t, int, int) {
  return Py_BuildValue("(ii)", 132, 512);
}

// -- cuBLAS: products of matrices, by NumPy's OpenBLAS --------------------------------------------

void scipy_cblas_sgemm64_(
    int, int, int, long, long, long, float, const float*, long, const float*, long, float, float*,
    long);
void scipy_cblas_dgemm64_(
    int, int, int, long, long, long, double, const double*, long, const double*, long, double,
    double*, long);

const int FAST_TF32 = 77;  // how cublasGemmEx computes
const int FLOAT = 0, DOUBLE = 1, HALF = 2, NOT_SUPPORTED = 15;  // in cuBLAS
const int COLUMNS = 102, PLAIN = 111, TRANSPOSED = 112;  // in OpenBLAS

int cublasCreate_v2(void** handle) {
  *handle = (void*)1;
  return 0;
}
int cublasDestroy_v2(void*) { return 0; }
int cublasSetStream_v2(void*, void*) { return 0; }
int cublasSetMathMode(void*, int) { return 0; }
int cublasGetMathMode(void*, int* mode) { return *mode = 0; }
int cublasSetPointerMode_v2(void*, int) { return 0; }
int cublasGetPointerMode_v2(void*, int* mode) { return *mode = 0; }

static void half_product(
    bool ta, bool tb, int m, int n, int k, float alpha, const _Float16* a, int lda,
    const _Float16* b, int ldb, float beta, _Float16* c, int ldc) {
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      float sum = 0;
      for (int p = 0; p < k; p++)
        sum += (float)a[ta ? i * lda + p : p * lda + i] * (float)b[tb ? p * ldb + j : j * ldb + p];
      _Float16& y = c[j * ldc + i];
      y = alpha * sum + (beta ? beta * y : 0);
    }
}

// The numbers rounded to 10 bits after the point
static std::vector<float> tf32(const float* x, size_t count) {
  std::vector<float> y(x, x + count);
  for (float& number : y) {
    unsigned bits;
    std::memcpy(&bits, &number, 4);
    bits = (bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu;
    std::memcpy(&number, &bits, 4);
  }
  return y;
}

int cublasGemmEx(
    void*, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int a_type,
    int lda, const void* b, int b_type, int ldb, const void* beta, void* c, int type, int ldc,
    int compute, int) {
  if (a_type != type || b_type != type) return NOT_SUPPORTED;
  if (type == HALF)
    return half_product(
               ta, tb, m, n, k, *(const float*)alpha, (const _Float16*)a, lda, (const _Float16*)b,
               ldb, *(const float*)beta, (_Float16*)c, ldc),
           0;
  std::vector<float> rounded[2];
  if (type == FLOAT && compute == FAST_TF32) {
    rounded[0] = tf32((const float*)a, (size_t)lda * (ta ? m : k));
    rounded[1] = tf32((const float*)b, (size_t)ldb * (tb ? k : n));
    a = rounded[0].data(), b = rounded[1].data();
  }
  ta = ta ? TRANSPOSED : PLAIN, tb = tb ? TRANSPOSED : PLAIN;
  if (type == FLOAT)
    scipy_cblas_sgemm64_(
        COLUMNS, ta, tb, m, n, k, *(const float*)alpha, (const float*)a, lda, (const float*)b, ldb,
        *(const float*)beta, (float*)c, ldc);
  else if (type == DOUBLE)
    scipy_cblas_dgemm64_(
        COLUMNS, ta, tb, m, n, k, *(const double*)alpha, (const double*)a, lda, (const double*)b,
        ldb, *(const double*)beta, (double*)c, ldc);
  else
    return NOT_SUPPORTED;
  return 0;
}

int cublasGemmStridedBatchedEx(
    void* handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int a_type,
    int lda, long long a_step, const void* b, int b_type, int ldb, long long b_step,
    const void* beta, void* c, int type, int ldc, long long c_step, int batch, int, int) {
  const int size = type == DOUBLE ? 8 : type == HALF ? 2 : 4;
  for (int i = 0; i < batch; i++)
    if (int status = cublasGemmEx(
            handle, ta, tb, m, n, k, alpha, (const char*)a + i * a_step * size, a_type, lda,
            (const char*)b + i * b_step * size, b_type, ldb, beta, (char*)c + i * c_step * size,
            type, ldc, 0, 0))
      return status;
  return 0;
}

int cublasSgemmBatched(
    void* handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* const* a,
    int lda, const void* const* b, int ldb, const void* beta, void* const* c, int ldc, int batch) {
  for (int i = 0; i < batch; i++)
    cublasGemmEx(
        handle, ta, tb, m, n, k, alpha, a[i], FLOAT, lda, b[i], FLOAT, ldb, beta, c[i], FLOAT, ldc,
        0, 0);
  return 0;
}
int cublasDgemmBatched(
    void* handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* const* a,
    int lda, const void* const* b, int ldb, const void* beta, void* const* c, int ldc, int batch) {
  for (int i = 0; i < batch; i++)
    cublasGemmEx(
        handle, ta, tb, m, n, k, alpha, a[i], DOUBLE, lda, b[i], DOUBLE, ldb, beta, c[i], DOUBLE,
        ldc, 0, 0);
  return 0;
}

// CuPy's module does not load without its other functions; CuPy turns this answer into an error.
#define NOT_HERE(NAME) \
  int NAME() { return NOT_SUPPORTED; }
#include "not_here.h"

}  // extern "C"
