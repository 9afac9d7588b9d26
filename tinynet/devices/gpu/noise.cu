// Random bits: Philox 4x64 with 10 rounds, in the words that NumPy draws from the same key.
// Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.

typedef unsigned long long word;

// The block of four words of that number, for the key (k, m), or for the key that is there
__device__ void random_words(word number, word k, word m, const word* there, word* words) {
  if (there) k = there[0], m = there[1];
  const word F0 = 0xD2E7470EE14C6C93, F1 = 0xCA5A826395121157;
  word a = number + 1, b = 0, c = 0, d = 0;  // NumPy counts from 1
  for (int round = 0; round < 10; round++) {
    word high_a = __umul64hi(F0, a), low_a = F0 * a, high_c = __umul64hi(F1, c), low_c = F1 * c;
    a = high_c ^ b ^ k, b = low_c, c = high_a ^ d ^ m, d = low_a;
    k += 0x9E3779B97F4A7C15, m += 0xBB67AE8584CAA73B;
  }
  words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

// Whether number 16 * i + k is kept, by 16 of the bits of block i: not below drop
__device__ bool kept(const word* words, int k, int drop) {
  return (int)(words[k / 4] >> 16 * (k % 4) & 0xFFFF) >= drop;
}

const int AT_ONCE = 128;  // keys

struct Keys {
  word words[2 * AT_ONCE];
};

// Puts keys where the noise of a captured step reads them
extern "C" __global__ void store(Keys keys, word* there, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) there[i] = keys.words[i];
}

// A thread decides on 16 numbers
extern "C" __global__ void keep_mask(
    word key, word key2, const word* there, int drop, bool* mask, int length, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  word words[4];
  random_words(i, key, key2, there, words);
  for (int k = 0; k < 16 && 16 * i + k < length; k++)
    mask[16 * i + k] = kept(words, k, drop);
}

// The same for dropout itself: the mask is nowhere in memory, and is made again on the way back
extern "C" __global__ void dropout(
    const float* x, word key, word key2, const word* there, int drop, float scale, float* y,
    int length, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  word words[4];
  random_words(i, key, key2, there, words);
  for (int k = 0; k < 16 && 16 * i + k < length; k++)
    y[16 * i + k] = kept(words, k, drop) ? x[16 * i + k] * scale : 0;
}

// A thread draws 8 numbers from [0, 1): two from each word, by 24 bits each
extern "C" __global__ void uniform(
    word key, word key2, const word* there, float* y, int length, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  word words[4];
  random_words(i, key, key2, there, words);
  for (int k = 0; k < 8 && 8 * i + k < length; k++)
    y[8 * i + k] = ((unsigned)(words[k / 2] >> 32 * (k % 2)) >> 8) * 0x1p-24f;
}

// A thread draws 8 numbers from N(0, 1): two from each word, by a radius and an angle
// Source: Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
extern "C" __global__ void standard_normal(
    word key, word key2, const word* there, float* y, int length, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  word words[4];
  random_words(i, key, key2, there, words);
  for (int k = 0; k < 4; k++) {
    float u = (float)(unsigned)words[k] * 0x1p-32f, v = (float)(unsigned)(words[k] >> 32) * 0x1p-32f;
    float radius = sqrtf(-2 * logf(u + 0x1p-33f)), angle = 6.2831853071795864769f * v;
    if (8 * i + 2 * k < length) y[8 * i + 2 * k] = radius * cosf(angle);
    if (8 * i + 2 * k + 1 < length) y[8 * i + 2 * k + 1] = radius * sinf(angle);
  }
}
