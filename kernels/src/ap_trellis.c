/* ap_trellis.c - see ap_trellis.h. */
#include "ap_trellis.h"

#include <math.h>

#include "ap_internal.h"

static const double NEVER = -1e9, SURELY_NOT = 1e-30;

/* How a hop was reached: notes that began came from `note` at `age`; at the last age, from there or from the age before. */
typedef struct origin {
    uint32_t age, note;
    uint8_t stayed[AP_TRELLIS_MAX];
} origin;

struct ap_trellis {
    ap_trellis_config config;
    uint64_t hops;    /* processed since reset */
    double onset;     /* of the newest */
    uint64_t scores;  /* offset; `notes` doubles for each age, the oldest last */
    uint64_t origins; /* offset; a ring of `back` */
};

static double *score(ap_trellis *t, uint64_t age) { return (double *)((char *)t + t->scores) + age * t->config.notes; }

static origin *origin_of(const ap_trellis *t, uint64_t hop) {
    return (origin *)((char *)t + t->origins) + hop % t->config.back;
}

static uint32_t rest_of(const ap_trellis_config *c) { return c->notes - (c->stroke_ages ? 2 : 1); }

static bool within(uint32_t value, uint32_t least) { return value >= least && value <= AP_TRELLIS_MAX; }

static uint64_t lay_out(ap_trellis *t, const ap_trellis_config *c) {
    if (!within(c->notes, c->stroke_ages ? 3 : 2) || !within(c->ages, 2) || !within(c->back, 1)) return 0;
    if (c->stroke_ages > c->ages) return 0;
    if (!(c->doubt > 0.0 && c->onset_floor > 0.0 && c->repeat_floor > 0.0 && c->trust < 1.0)) return 0;
    t->config = *c;
    t->scores = ap_align_up(sizeof *t);
    t->origins = ap_align_up(t->scores + (uint64_t)c->notes * c->ages * sizeof(double));
    return t->origins + c->back * sizeof(origin);
}

uint64_t ap_trellis_sizeof(const ap_trellis_config *config) {
    ap_trellis trellis;
    return lay_out(&trellis, config);
}

int ap_trellis_init(ap_trellis *t, uint64_t bytes, const ap_trellis_config *config) {
    const uint64_t need = ap_trellis_sizeof(config);
    if (!ap_aligned(t)) return AP_ERR_ALIGN;
    if (!need) return AP_ERR_VALUE;
    if (bytes < need) return AP_ERR_SIZE;
    memset(t, 0, need);
    lay_out(t, config);
    ap_trellis_reset(t);
    return AP_OK;
}

void ap_trellis_reset(ap_trellis *t) {
    t->hops = 0;
    t->onset = 0.0;
    const uint64_t places = (uint64_t)t->config.notes * t->config.ages;
    for (uint64_t i = 0; i < places; i++) score(t, 0)[i] = NEVER;
    score(t, t->config.ages - 1)[rest_of(&t->config)] = 0.0;
}

/* Place of the largest; the first of equals. */
static uint32_t best(const double *values, uint32_t count, uint32_t stride) {
    uint32_t at = 0;
    for (uint32_t i = 1; i < count; i++)
        if (values[(uint64_t)i * stride] > values[(uint64_t)at * stride]) at = i;
    return at;
}

/* Whether a hop says anything at all; what is no probability would stay in the scores for ever. */
static bool informs(const float *post, uint32_t notes, double onset) {
    bool sound = onset >= 0.0 && onset <= 1.0;
    for (uint32_t n = 0; n < notes; n++) sound &= post[n] >= 0.0f && post[n] < INFINITY;
    return sound;
}

/* Let a note that may end from `least` on be what the notes that begin come from, where it is better than what is. */
static double offer(ap_trellis *t, origin *from, double ended, uint32_t note, uint32_t least) {
    const uint32_t age = least + best(score(t, least) + note, t->config.ages - least, t->config.notes);
    if (!(score(t, age)[note] > ended)) return ended;
    from->note = note;
    from->age = age;
    return score(t, age)[note];
}

void ap_trellis_process(ap_trellis *t, const float *post, double onset) {
    const ap_trellis_config *c = &t->config;
    const uint32_t rest = rest_of(c), stroke = c->stroke_ages ? rest + 1 : c->notes, last = c->ages - 1;
    double *oldest = score(t, last), *before = score(t, last - 1);
    const bool informed = informs(post, c->notes, onset);
    if (!informed) onset = 0.0;
    origin *from = origin_of(t, t->hops++);
    from->age = last;
    from->note = best(oldest, rest, 1);
    double ended = offer(t, from, oldest[from->note], rest, 0);
    if (c->stroke_ages) ended = offer(t, from, ended, stroke, c->stroke_ages - 1);
    const double near = ap_larger(onset, c->late * t->onset); /* an onset's hop is uncertain by one */
    t->onset = onset;
    const double other = ended + c->enter + log(ap_larger(near, c->onset_floor));
    const double again = ended + c->enter + c->repeat + log(ap_larger(near, c->repeat_floor));
    const double struck = ended + c->stroke + log(ap_larger(near, c->repeat_floor));
    const double stay = log(1.0 - c->trust * onset);
    double top = -INFINITY;
    for (uint32_t n = 0; n < c->notes; n++) {
        const double sure = n == stroke ? ap_larger(post[n], SURELY_NOT) : post[n] + c->doubt;
        const double kept = oldest[n] + stay, said = informed ? c->weight * log(sure) : 0.0;
        from->stayed[n] = kept >= before[n];
        oldest[n] = said + (from->stayed[n] ? kept : before[n]);
        top = ap_larger(top, oldest[n]);
        for (uint32_t age = last - 1; age > 0; age--) {
            score(t, age)[n] = said + score(t, age - 1)[n];
            top = ap_larger(top, score(t, age)[n]);
        }
        double begun = n == from->note ? again : other;
        if (n == rest) begun = from->note == rest ? NEVER : ended + c->rest;
        if (n == stroke) begun = struck;
        score(t, 0)[n] = said + begun;
        top = ap_larger(top, score(t, 0)[n]);
    }
    for (uint64_t i = 0; i < (uint64_t)c->notes * c->ages; i++) score(t, 0)[i] -= top; /* or they would fall for ever */
}

uint32_t ap_trellis_trace(const ap_trellis *t, uint32_t back, int32_t *entered) {
    const uint32_t notes = t->config.notes, last = t->config.ages - 1;
    const uint32_t place = best((const double *)((const char *)t + t->scores), notes * (last + 1), 1);
    uint32_t age = place / notes, note = place % notes;
    for (uint32_t step = 1; step <= back; step++) {
        const origin *from = origin_of(t, t->hops - step);
        if (age == 0) {
            age = from->age;
            note = from->note;
        } else if (age < last || !from->stayed[note]) {
            age--;
        }
    }
    *entered = age == 0;
    return note;
}
