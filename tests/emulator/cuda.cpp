// CUDA's runtime, its driver and cuBLAS on the CPU: as much of them as CuPy 14.2 asks for here.
//
// runtime_NAME and driver_NAME have the signature of NAME in CuPy's table of C functions, whose last
// parameter says whether a method may be overridden.  Everything happens at once, and in order: there
// is nothing to wait for.
#include <Python.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

using Address = intptr_t;
using Work = std::function<void()>;

static Address missing(const char* what) {
  PyErr_Format(PyExc_NotImplementedError, "the emulator has no %s.", what);
  return 0;
}

// -- graphs: what is told to a stream that is captured is kept, and done when the graph is launched ---

static std::vector<Work>* graph;  // that is being made
static Address captured;          // the stream

static PyObject* now_or_later(Address stream, Work work) {
  if (graph && stream == captured)
    graph->push_back(std::move(work));
  else
    work();
  Py_RETURN_NONE;
}
static PyObject* nothing_to_wait_for() {
  if (!graph) Py_RETURN_NONE;
  PyErr_SetString(PyExc_RuntimeError, "cudaErrorStreamCaptureUnsupported: a wait in a capture.");
  return nullptr;
}

extern "C" {

int runtime_streamIsCapturing(Address stream, int) { return graph && stream == captured; }
PyObject* runtime_streamBeginCapture(Address stream, int, void*) {
  graph = new std::vector<Work>, captured = stream;
  Py_RETURN_NONE;
}
Address runtime_streamEndCapture(Address, int) {
  std::vector<Work>* made = graph;
  graph = nullptr;
  return (Address)made;
}
Address runtime_graphInstantiate(Address made, int) {
  return (Address) new std::vector<Work>(*(std::vector<Work>*)made);
}
PyObject* runtime_graphLaunch(Address made, Address, int) {
  for (Work& work : *(std::vector<Work>*)made) work();
  Py_RETURN_NONE;
}
PyObject* runtime_graphExecDestroy(Address made, int) {
  delete (std::vector<Work>*)made;
  Py_RETURN_NONE;
}
PyObject* runtime_graphDestroy(Address made, int) { return runtime_graphExecDestroy(made, 0); }

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

PyObject* runtime_memcpyAsync(Address to, Address from, size_t size, int, Address stream, int) {
  return now_or_later(stream, [=] { std::memcpy((void*)to, (void*)from, size); });
}
PyObject* runtime_memcpy(Address to, Address from, size_t size, int kind, int) {
  return graph ? nothing_to_wait_for() : runtime_memcpyAsync(to, from, size, kind, 0, 0);
}
PyObject* runtime_memsetAsync(Address to, int value, size_t size, Address stream, int) {
  return now_or_later(stream, [=] { std::memset((void*)to, value, size); });
}
PyObject* runtime_memset(Address to, int value, size_t size, int) {
  return runtime_memsetAsync(to, value, size, 0, 0);
}

// -- streams and events -------------------------------------------------------------------------

static Address made() {
  static Address number = 16;  // smaller ones mean the streams that there always are
  return number++;
}

PyObject* runtime_deviceSynchronize(int) { return nothing_to_wait_for(); }
Address runtime_streamCreate(int) { return made(); }
Address runtime_streamCreateWithFlags(unsigned, int) { return made(); }
Address runtime_streamCreateWithPriority(unsigned, int, int) { return made(); }
PyObject* runtime_streamDestroy(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_streamSynchronize(Address, int) { return nothing_to_wait_for(); }
PyObject* runtime_streamQuery(Address, int) { Py_RETURN_NONE; }
PyObject* runtime_streamWaitEvent(Address, Address, int, void*) { Py_RETURN_NONE; }
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
static std::map<Address, const size_t*> sizes;  // of each kernel's parameters, and a 0

Address driver_moduleLoadData(PyObject* path, int) {
  void* library = dlopen(PyBytes_AsString(path), RTLD_NOW | RTLD_LOCAL);
  if (!library) PyErr_SetString(PyExc_RuntimeError, dlerror());
  return (Address)library;
}
PyObject* driver_moduleUnload(Address, int) { Py_RETURN_NONE; }
Address driver_moduleGetFunction(Address library, PyObject* name, int) {
  void* launch = dlsym((void*)library, (PyUnicode_AsUTF8(name) + std::string("_launch")).c_str());
  if (!launch) return PyErr_Format(PyExc_RuntimeError, "there is no kernel %U.", name), 0;
  void* of = dlsym((void*)library, (PyUnicode_AsUTF8(name) + std::string("_sizes")).c_str());
  sizes[(Address)launch] = ((const size_t* (*)())of)();
  return (Address)launch;
}
PyObject* driver_launchKernel(
    Address launch, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
    unsigned dynamic, Address stream, Address values, Address, int) {
  if (dynamic) return (PyObject*)missing("shared memory whose size the launch says");
  if (!(gx && gy && gz && bx && by && bz) || (size_t)bx * by * bz > 1024)
    return PyErr_Format(
        PyExc_ValueError, "a launch of (%u, %u, %u) blocks of (%u, %u, %u) threads.", gx, gy, gz,
        bx, by, bz);
  std::vector<std::string> kept;
  for (const size_t* size = sizes[launch]; *size; size++)
    kept.emplace_back(((const char**)values)[kept.size()], *size);
  return now_or_later(stream, [=]() mutable {
    const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
    std::vector<void*> addresses;
    for (std::string& value : kept) addresses.push_back(value.data());
    ((Launch)launch)(addresses.data(), grid, block);
  });
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

// -- cuBLASLt: the same products, told to a stream ------------------------------------------------

struct Product {
  int compute, transposed[2];
};
struct Layout {
  unsigned long rows, columns;
  long step;
};
int cublasLtCreate(void** handle) { return cublasCreate_v2(handle); }
int cublasLtMatmulDescCreate(Product** made, int compute, int) {
  *made = new Product{compute, {0, 0}};
  return 0;
}
int cublasLtMatmulDescSetAttribute(Product* product, int name, const int* value, size_t) {
  product->transposed[name - 3] = *value;
  return 0;
}
int cublasLtMatmulDescDestroy(Product* made) { return delete made, 0; }
int cublasLtMatrixLayoutCreate(
    Layout** made, int, unsigned long rows, unsigned long columns, long step) {
  *made = new Layout{rows, columns, step};
  return 0;
}
int cublasLtMatrixLayoutDestroy(Layout* made) { return delete made, 0; }
// The alignment of a and of b that is promised, in bytes; the library takes 256 for granted
struct Promise {
  unsigned of[2] = {256, 256};
};
int cublasLtMatmulPreferenceCreate(Promise** made) { return *made = new Promise, 0; }
int cublasLtMatmulPreferenceSetAttribute(Promise* made, int name, const void* value, size_t) {
  if (name == 5 || name == 6) made->of[name - 5] = *(const unsigned*)value;
  return 0;
}
int cublasLtMatmulPreferenceDestroy(Promise* made) { return delete made, 0; }
int cublasLtMatmulAlgoGetHeuristic(
    void*, Product*, Layout*, Layout*, Layout*, Layout*, Promise* promise, int, void* way,
    int* found) {
  std::memset(way, 0, 64);
  *(Promise*)way = *promise;
  return *found = 1, 0;
}
int cublasLtMatmul(
    void*, Product* product, const float* alpha, const void* a, Layout* of_a, const void* b,
    Layout* of_b, const float* beta, const void*, Layout*, void* y, Layout* of_y, const void* way,
    void*, size_t, Address stream) {
  const Promise promise = *(const Promise*)way;
  if ((Address)a % promise.of[0] || (Address)b % promise.of[1]) return 7;
  const auto [compute, transposed] = *product;
  const bool ta = transposed[0], tb = transposed[1];
  const unsigned long m = of_y->rows, n = of_y->columns, k = ta ? of_a->rows : of_a->columns;
  if ((ta ? of_a->columns : of_a->rows) != m || (tb ? of_b->columns : of_b->rows) != k ||
      (tb ? of_b->rows : of_b->columns) != n)
    return 7;  // an invalid value
  const Layout A = *of_a, B = *of_b, Y = *of_y;
  const float one = *alpha, none = *beta;
  Py_XDECREF(now_or_later(stream, [=] {
    cublasGemmEx(
        nullptr, ta, tb, m, n, k, &one, a, FLOAT, A.step, b, FLOAT, B.step, &none, y, FLOAT, Y.step,
        compute, 0);
  }));
  return 0;
}

// CuPy's module does not load without its other functions; CuPy turns this answer into an error.
#define NOT_HERE(NAME) \
  int NAME() { return NOT_SUPPORTED; }
#include "not_here.h"

}  // extern "C"
