/* ap_fft.c - see ap_fft.h. */
#include "ap_fft.h"

#include <math.h>

#include "ap_internal.h"

/* Pairs of real frames are one complex number each: half as many, `rows` x `columns` of them. Each column is transformed,
 * the matrix turned over, and each column of that: so every inner loop runs along a row, over numbers that lie side by
 * side and share their factors, and the compiler makes vectors of it. The passes are Stockham's (they sort as they go),
 * from one buffer into the other. Real and imaginary parts lie apart. */
enum { PASSES = 20 };

typedef struct plan {
    uint32_t length, passes;
    uint32_t radix[PASSES];
    uint64_t factors; /* offset; for each pass and p its radix - 1 factors, real and imaginary */
} plan;

struct ap_fft {
    uint64_t half;       /* complex numbers */
    plan down, across;   /* columns of the matrix as it comes, and as turned over */
    uint64_t between;    /* offset; factor for each place of the turned matrix, all real parts first */
    uint64_t ends;       /* offset; e^(-2 pi i k / frames) for k < half, all real parts first */
    uint64_t work;       /* offset; two buffers, each real parts, then imaginary parts */
};

static float *at(const ap_fft *fft, uint64_t offset) { return (float *)((char *)fft + offset); }

static bool make_plan(plan *p, uint32_t length) {
    memset(p, 0, sizeof *p);
    p->length = length;
    static const uint32_t radices[] = {4, 2, 3, 5};
    for (int i = 0; i < 4; i++)
        for (; length % radices[i] == 0; length /= radices[i]) p->radix[p->passes++] = radices[i];
    return length == 1;
}

static uint64_t plan_factors(const plan *p) {
    uint64_t count = 0, length = p->length;
    for (uint32_t i = 0; i < p->passes; i++) {
        count += 2 * (p->radix[i] - 1) * (length / p->radix[i]);
        length /= p->radix[i];
    }
    return count;
}

/* Sizes, plans and offsets; returns the bytes, or 0. */
static uint64_t lay_out(ap_fft *fft, uint64_t frames) {
    if (frames < 2 || frames > AP_FFT_MAX || frames % 2) return 0;
    const uint64_t half = fft->half = frames / 2;
    /* As square as can be, for the shortest factors; rows of whole vectors where the length allows. */
    uint64_t columns = 1;
    for (uint64_t n = 1; n * n <= half; n++)
        if (half % n == 0 && (n % 16 == 0 || columns % 16)) columns = n;
    if (!make_plan(&fft->down, (uint32_t)(half / columns)) || !make_plan(&fft->across, (uint32_t)columns)) return 0;
    uint64_t end = ap_align_up(sizeof *fft);
    fft->down.factors = end;
    end = ap_align_up(end + plan_factors(&fft->down) * sizeof(float));
    fft->across.factors = end;
    end = ap_align_up(end + plan_factors(&fft->across) * sizeof(float));
    fft->between = end;
    end = ap_align_up(end + 2 * half * sizeof(float));
    fft->ends = end;
    end = ap_align_up(end + 2 * half * sizeof(float));
    fft->work = end;
    return end + 4 * half * sizeof(float);
}

uint64_t ap_fft_sizeof(uint64_t frames) {
    ap_fft fft;
    return lay_out(&fft, frames);
}

/* e^(-2 pi i k / n), exact where k / n is: the angle is taken within one turn. */
static void turn(uint64_t k, uint64_t n, float *real, float *imaginary) {
    const double angle = -6.283185307179586 * (double)(k % n) / (double)n;
    *real = (float)cos(angle);
    *imaginary = (float)sin(angle);
}

static void fill_factors(const plan *p, float *w) {
    uint64_t length = p->length;
    for (uint32_t i = 0; i < p->passes; i++) {
        const uint64_t radix = p->radix[i], m = length / radix;
        for (uint64_t j = 0; j < m; j++)
            for (uint64_t k = 1; k < radix; k++, w += 2) turn(j * k, length, w, w + 1);
        length = m;
    }
}

int ap_fft_init(ap_fft *fft, uint64_t bytes, uint64_t frames) {
    const uint64_t need = ap_fft_sizeof(frames);
    if (!ap_aligned(fft)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    lay_out(fft, frames);
    fill_factors(&fft->down, at(fft, fft->down.factors));
    fill_factors(&fft->across, at(fft, fft->across.factors));
    const uint64_t half = fft->half, rows = fft->down.length;
    for (uint64_t i = 0; i < half; i++) {
        turn((i / rows) * (i % rows), half, at(fft, fft->between) + i, at(fft, fft->between) + half + i);
        turn(i, frames, at(fft, fft->ends) + i, at(fft, fft->ends) + half + i);
    }
    memset(at(fft, fft->work), 0, 4 * half * sizeof(float));
    return AP_OK;
}

typedef struct view {
    float *re, *im;
} view;

/* Rows read and rows written never overlap; the compiler, told so by `restrict` alone, forgets it when it inlines. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

/* One pass over `m` groups of `radix` rows of `s` numbers: in at rows p + k m, out at rows radix p + k. */
#define ROWS(RADIX)                                                                                                    \
    for (uint64_t p = 0; p < m; p++, w += 2 * (RADIX - 1)) {                                                           \
        const float *re = x.re + p * s, *im = x.im + p * s;                                                            \
        float *to_re = y.re + RADIX * p * s, *to_im = y.im + RADIX * p * s;                                            \
        const uint64_t step = m * s;                                                                                   \
        float f[2 * (RADIX - 1)];                                                                                      \
        for (int k = 0; k < 2 * (RADIX - 1); k++) f[k] = w[k];                                                         \
        INDEPENDENT for (uint64_t q = 0; q < s; q++) {
#define END_ROWS                                                                                                       \
        }                                                                                                              \
    }
#define GIVE(K, R, I)                                                                                                  \
    do {                                                                                                               \
        const float r_ = (R), i_ = (I);                                                                                \
        to_re[q + (K)*s] = r_ * f[2 * (K)-2] - i_ * f[2 * (K)-1];                                                      \
        to_im[q + (K)*s] = r_ * f[2 * (K)-1] + i_ * f[2 * (K)-2];                                                      \
    } while (0)

static inline void pass2(view x, view y, uint64_t m, uint64_t s, const float *w) {
    ROWS(2)
        const float ar = re[q], ai = im[q], br = re[q + step], bi = im[q + step];
        to_re[q] = ar + br;
        to_im[q] = ai + bi;
        GIVE(1, ar - br, ai - bi);
    END_ROWS
}

static inline void pass3(view x, view y, uint64_t m, uint64_t s, const float *w) {
    const float sine = 0.86602540378443865f;
    ROWS(3)
        const float ar = re[q], ai = im[q];
        const float sum_r = re[q + step] + re[q + 2 * step], sum_i = im[q + step] + im[q + 2 * step];
        const float off_r = sine * (re[q + step] - re[q + 2 * step]), off_i = sine * (im[q + step] - im[q + 2 * step]);
        const float mid_r = ar - 0.5f * sum_r, mid_i = ai - 0.5f * sum_i;
        to_re[q] = ar + sum_r;
        to_im[q] = ai + sum_i;
        GIVE(1, mid_r + off_i, mid_i - off_r);
        GIVE(2, mid_r - off_i, mid_i + off_r);
    END_ROWS
}

static inline void pass4(view x, view y, uint64_t m, uint64_t s, const float *w) {
    ROWS(4)
        const float ar = re[q], ai = im[q], br = re[q + step], bi = im[q + step];
        const float cr = re[q + 2 * step], ci = im[q + 2 * step], dr = re[q + 3 * step], di = im[q + 3 * step];
        const float even_r = ar + cr, even_i = ai + ci, odd_r = br + dr, odd_i = bi + di;
        const float half_r = ar - cr, half_i = ai - ci, turned_r = bi - di, turned_i = dr - br;
        to_re[q] = even_r + odd_r;
        to_im[q] = even_i + odd_i;
        GIVE(1, half_r + turned_r, half_i + turned_i);
        GIVE(2, even_r - odd_r, even_i - odd_i);
        GIVE(3, half_r - turned_r, half_i - turned_i);
    END_ROWS
}

static inline void pass5(view x, view y, uint64_t m, uint64_t s, const float *w) {
    const float c1 = 0.30901699437494742f, c2 = -0.80901699437494742f, s1 = 0.95105651629515357f, s2 = 0.58778525229247313f;
    ROWS(5)
        const float ar = re[q], ai = im[q];
        const float br = re[q + step] + re[q + 4 * step], bi = im[q + step] + im[q + 4 * step];
        const float cr = re[q + 2 * step] + re[q + 3 * step], ci = im[q + 2 * step] + im[q + 3 * step];
        const float dr = re[q + step] - re[q + 4 * step], di = im[q + step] - im[q + 4 * step];
        const float er = re[q + 2 * step] - re[q + 3 * step], ei = im[q + 2 * step] - im[q + 3 * step];
        const float near_r = ar + c1 * br + c2 * cr, near_i = ai + c1 * bi + c2 * ci;
        const float far_r = ar + c2 * br + c1 * cr, far_i = ai + c2 * bi + c1 * ci;
        const float wide_r = s1 * di + s2 * ei, wide_i = s1 * dr + s2 * er;
        const float slim_r = s2 * di - s1 * ei, slim_i = s2 * dr - s1 * er;
        to_re[q] = ar + br + cr;
        to_im[q] = ai + bi + ci;
        GIVE(1, near_r + wide_r, near_i - wide_i);
        GIVE(2, far_r + slim_r, far_i - slim_i);
        GIVE(3, far_r - slim_r, far_i + slim_i);
        GIVE(4, near_r - wide_r, near_i + wide_i);
    END_ROWS
}

/* Transform every column of `p->length` rows of `s` numbers; *from holds the result in the end. */
static inline void columns(const plan *p, const float *w, uint64_t s, view *from, view *to) {
    uint64_t length = p->length;
    for (uint32_t i = 0; i < p->passes; i++) {
        const uint64_t radix = p->radix[i], m = length / radix;
        if (radix == 4) pass4(*from, *to, m, s, w);
        else if (radix == 2) pass2(*from, *to, m, s, w);
        else if (radix == 3) pass3(*from, *to, m, s, w);
        else pass5(*from, *to, m, s, w);
        const view other = *from;
        *from = *to;
        *to = other;
        w += 2 * (radix - 1) * m;
        length = m;
        s *= radix;
    }
}

/* Turn rows x columns over into columns x rows, with the factors between the two transforms. */
static inline void turn_over(view x, view y, uint64_t rows, uint64_t columns, const float *w_re, const float *w_im) {
    for (uint64_t c = 0; c < columns; c++)
        for (uint64_t r = 0; r < rows; r++) {
            const float re = x.re[r * columns + c], im = x.im[r * columns + c];
            const uint64_t to = c * rows + r;
            y.re[to] = re * w_re[to] - im * w_im[to];
            y.im[to] = re * w_im[to] + im * w_re[to];
        }
}

/* The complex transform of *from; the result is where it then points. */
static inline void transform(const ap_fft *fft, view *from, view *to) {
    const uint64_t rows = fft->down.length, across = fft->across.length;
    const float *between = at(fft, fft->between);
    columns(&fft->down, at(fft, fft->down.factors), across, from, to);
    turn_over(*from, *to, rows, across, between, between + fft->half);
    const view other = *from;
    *from = *to;
    *to = other;
    columns(&fft->across, at(fft, fft->across.factors), rows, from, to);
}

/* Line k of the real frames, 0 < k < half: the even frames' transform and the odd ones', taken apart by their symmetry. */
static inline void line(const float *re, const float *im, const float *w_re, const float *w_im, uint64_t k, uint64_t half,
                        float *out_re, float *out_im) {
    const float even_r = re[k] + re[half - k], even_i = im[k] - im[half - k];
    const float odd_r = im[k] + im[half - k], odd_i = re[half - k] - re[k];
    *out_re = 0.5f * (even_r + odd_r * w_re[k] - odd_i * w_im[k]);
    *out_im = 0.5f * (even_i + odd_r * w_im[k] + odd_i * w_re[k]);
}

EACH_WIDTH static void forward(ap_fft *fft, const float *in, float *out) {
    const uint64_t half = fft->half;
    float *work = at(fft, fft->work);
    view x = {work, work + half}, y = {work + 2 * half, work + 3 * half};
    for (uint64_t n = 0; n < half; n++) {
        x.re[n] = in[2 * n];
        x.im[n] = in[2 * n + 1];
    }
    transform(fft, &x, &y);
    const float *w_re = at(fft, fft->ends), *w_im = w_re + half;
    out[0] = x.re[0] + x.im[0];
    out[1] = 0.0f;
    INDEPENDENT for (uint64_t k = 1; k < half; k++) line(x.re, x.im, w_re, w_im, k, half, &out[2 * k], &out[2 * k + 1]);
    out[2 * half] = x.re[0] - x.im[0];
    out[2 * half + 1] = 0.0f;
}

EACH_WIDTH static void magnitudes(ap_fft *fft, const float *in, const float *window, uint64_t count, float *out) {
    const uint64_t half = fft->half, pairs = count / 2;
    float *work = at(fft, fft->work);
    view x = {work, work + half}, y = {work + 2 * half, work + 3 * half};
    INDEPENDENT for (uint64_t n = 0; n < pairs; n++) {
        x.re[n] = in[2 * n] * window[2 * n];
        x.im[n] = in[2 * n + 1] * window[2 * n + 1];
    }
    memset(x.re + pairs, 0, (half - pairs) * sizeof(float));
    memset(x.im + pairs, 0, (half - pairs) * sizeof(float));
    if (count % 2) x.re[pairs] = in[count - 1] * window[count - 1];
    transform(fft, &x, &y);
    const float *w_re = at(fft, fft->ends), *w_im = w_re + half;
    out[0] = fabsf(x.re[0] + x.im[0]);
    INDEPENDENT for (uint64_t k = 1; k < half; k++) {
        float re, im;
        line(x.re, x.im, w_re, w_im, k, half, &re, &im);
        out[k] = sqrtf(re * re + im * im);
    }
    out[half] = fabsf(x.re[0] - x.im[0]);
}

EACH_WIDTH static void inverse(ap_fft *fft, const float *in, float *out) {
    const uint64_t half = fft->half;
    float *work = at(fft, fft->work);
    view x = {work, work + half}, y = {work + 2 * half, work + 3 * half};
    const float *restrict w_re = at(fft, fft->ends), *restrict w_im = w_re + half;
    const float scale = 0.5f / (float)half;
    x.re[0] = scale * (in[0] + in[2 * half]);
    x.im[0] = scale * (in[0] - in[2 * half]);
    for (uint64_t k = 1; k < half; k++) {
        const float *mirror = in + 2 * (half - k);
        const float even_r = in[2 * k] + mirror[0], even_i = in[2 * k + 1] - mirror[1];
        const float off_r = in[2 * k] - mirror[0], off_i = in[2 * k + 1] + mirror[1];
        const float odd_r = off_r * w_re[k] + off_i * w_im[k], odd_i = off_i * w_re[k] - off_r * w_im[k];
        x.re[k] = scale * (even_r - odd_i);
        x.im[k] = scale * (even_i + odd_r);
    }
    /* The inverse is the transform with real and imaginary parts exchanged, on the way in and on the way out. */
    view in_turn = {x.im, x.re}, other = {y.im, y.re};
    transform(fft, &in_turn, &other);
    for (uint64_t n = 0; n < half; n++) {
        out[2 * n] = in_turn.im[n];
        out[2 * n + 1] = in_turn.re[n];
    }
}

void ap_fft_forward(ap_fft *fft, const float *in, float *out) { forward(fft, in, out); }
void ap_fft_inverse(ap_fft *fft, const float *in, float *out) { inverse(fft, in, out); }
void ap_fft_magnitudes(ap_fft *fft, const float *in, const float *window, uint64_t count, float *out) {
    magnitudes(fft, in, window, ap_min(count, 2 * fft->half), out);
}
