/* ap_quotes.c - see ap_quotes.h. */
#include "ap_quotes.h"

#include <math.h>
#include <string.h>

enum { BITS = 5, DEPTH = AP_QUOTES_DEPTH, CODES = AP_QUOTES_CODES, WIDEST = AP_QUOTES_WIDEST };

typedef struct line { /* by interval, oldest first */
    uint8_t codes[AP_QUOTES_LINE];
    float waits[AP_QUOTES_LINE], slack[AP_QUOTES_LINE]; /* a wait that is not known is not a number */
    uint32_t n;
} line;

typedef struct follower { /* of the longest run that goes on with one interval */
    int32_t families[AP_QUOTES_FAMILIES];
    uint32_t count; /* families that have it, up to AP_QUOTES_FAMILIES */
    uint32_t run;   /* intervals before that one; 0: there is none */
    int32_t work;
    uint32_t registered; /* the same of registered works */
    int32_t registered_work;
    int own;
} follower;

typedef struct places {
    uint64_t low, high;
} places;

/* How many of the words are smaller, from `low` on, where all before are. */
static uint64_t search(const int64_t *words, int64_t word, uint64_t low, uint64_t high) {
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (words[middle] < word) low = middle + 1;
        else high = middle;
    }
    return low;
}

static uint64_t place_of(const ap_quotes *q, int64_t word, uint64_t low, uint64_t high) {
    if (low == 0 && high == q->notes) { /* a search through all of it would touch a page at each step */
        const uint64_t sample = search(q->sampled, word, 0, (q->notes + AP_QUOTES_SAMPLE - 1) / AP_QUOTES_SAMPLE);
        low = sample ? (sample - 1) * AP_QUOTES_SAMPLE : 0;
        if (sample * AP_QUOTES_SAMPLE < high) high = sample * AP_QUOTES_SAMPLE;
    }
    return search(q->words, word, low, high);
}

/* The same of a word that is not far from `low`. */
static uint64_t soon_after(const ap_quotes *q, int64_t word, uint64_t low, uint64_t high) {
    uint64_t step = 8;
    while (high - low > step && q->words[low + step] < word) low += step, step *= 2;
    return search(q->words, word, low, high - low > step ? low + step : high);
}

static int64_t word_of(const line *l) {
    int64_t word = 0;
    for (uint32_t back = 0; back < DEPTH; back++) word = word << BITS | (back < l->n ? l->codes[l->n - 1 - back] : 0);
    return word;
}

static uint32_t run_from(const ap_quotes *q, const line *l, uint64_t end, uint32_t run) {
    while (run < l->n && run <= end && q->codes[end - run] == l->codes[l->n - 1 - run]) run++;
    return run;
}

/* The longest run lies on one side of where the line would, or among the words equal to its own. */
static void longest(const ap_quotes *q, const line *l, int64_t word, uint64_t place, ap_quotes_found *found) {
    for (uint64_t at = place ? place - 1 : 0; at < q->notes && at < place + DEPTH; at++) {
        if (at > place && q->words[at] != word) break;
        const uint64_t end = (uint64_t)q->ends[at];
        const uint32_t run = run_from(q, l, end, 0);
        if (run && run + 1 > found->length) {
            found->length = run + 1;
            found->nearest = q->of[end];
        }
    }
}

/* How far back the waits go alike, up to `run` intervals. */
static uint32_t in_rhythm(const ap_quotes *q, const line *l, uint64_t end, uint32_t run, float loose) {
    float before = NAN, slack = 0.0f;
    for (uint32_t back = 1; back <= run; back++) {
        const float wait = l->waits[l->n - back];
        if (isnan(wait)) continue;
        const float slower = q->waits[end - back] - wait;
        if (!isnan(before) && fabsf(slower - before) > loose + slack + l->slack[l->n - back]) return back - 1;
        before = slower;
        slack = l->slack[l->n - back];
    }
    return run;
}

static void follow(follower *f, const ap_quotes *q, uint64_t end, uint32_t run) {
    const int32_t work = q->of[end], family = q->families[work];
    if (run > f->run) {
        f->run = run;
        f->count = 0;
        f->work = work;
    }
    for (uint32_t i = 0; i < f->count; i++)
        if (f->families[i] == family) return;
    if (f->count < AP_QUOTES_FAMILIES) f->families[f->count++] = family;
}

/* A repeated note, two intervals in turn, a scale: nobody's. */
static int plain(const uint8_t *codes, uint32_t depth, uint32_t next) {
    int in_turn = 1, low = CODES, high = 0;
    for (uint32_t i = 0; i <= depth; i++) {
        const int code = i < depth ? codes[i] : (int)next;
        if (i > 1 && code != codes[i - 2]) in_turn = 0;
        if (code < low) low = code;
        if (code > high) high = code;
    }
    low -= WIDEST + 1;
    high -= WIDEST + 1;
    return in_turn || (1 <= low && high <= 2) || (-2 <= low && high <= -1);
}

static places agreeing(const ap_quotes *q, int64_t word, uint32_t depth, places in) {
    const uint32_t rest = BITS * (DEPTH - (depth < DEPTH ? depth : DEPTH));
    const int64_t first = word >> rest << rest;
    const uint64_t low = place_of(q, first, in.low, in.high);
    return (places){low, soon_after(q, first + ((int64_t)1 << rest), low, in.high)};
}

static uint32_t alike(int64_t one, int64_t two) {
    const uint64_t apart = (uint64_t)(one ^ two);
    return apart ? (uint32_t)(__builtin_clzll(apart) - (64 - BITS * DEPTH)) / BITS : DEPTH;
}

static uint32_t matched(const ap_quotes *q, const ap_quotes_rules *rules, const line *l, uint64_t end, uint32_t run, int rhythm) {
    if (run >= DEPTH || run >= l->n) run = run_from(q, l, end, run < l->n ? run : l->n);
    return rhythm ? in_rhythm(q, l, end, run, rules->loose) : run;
}

/* What the model learned from: a run is one melody's where, as far back as it goes, few families have it. */
static void follow_learned(const ap_quotes *q, const ap_quotes_rules *rules, const line *l, int64_t word, uint32_t depth, int rhythm,
                           places here, follower *followers) {
    for (uint32_t deeper = depth + 1; here.high - here.low > rules->commonplace && deeper <= l->n && deeper <= DEPTH; deeper++) {
        const places fewer = agreeing(q, word, deeper, here);
        if (fewer.low == fewer.high) break;
        here = fewer;
    }
    if (here.high - here.low > AP_QUOTES_MOST) return;
    /* From where the line itself would lie outwards: the longest runs come first, and shorter ones need no second look. */
    uint64_t after = place_of(q, word, here.low, here.high), before = after;
    while (before > here.low || after < here.high) {
        const uint32_t left = before > here.low ? alike(word, q->words[before - 1]) + 1 : 0;
        const uint32_t right = after < here.high ? alike(word, q->words[after]) + 1 : 0;
        const uint64_t at = left > right ? --before : after++, end = (uint64_t)q->ends[at];
        const uint32_t next = q->nexts[at], alike_to = (left > right ? left : right) - 1;
        follower *f = &followers[next < CODES ? next : 0];
        if (!next || end >= q->learned || (alike_to < DEPTH && alike_to < f->run)) continue;
        const uint32_t run = matched(q, rules, l, end, alike_to, rhythm);
        if (run >= depth && run >= f->run) follow(f, q, end, run);
    }
}

/* What the player has registered: a run is that work's, whoever else has it, or the player's own and open. */
static void follow_registered(const ap_quotes *q, const ap_quotes_rules *rules, const line *l, uint32_t depth, int rhythm, places here,
                              follower *followers) {
    for (uint64_t at = here.low; at < here.high; at++) {
        const uint64_t end = (uint64_t)q->ends[at];
        const uint32_t next = q->nexts[at];
        if (end < q->learned || !next || next >= CODES || run_from(q, l, end, 0) < depth) continue;
        follower *f = &followers[next];
        const uint32_t run = matched(q, rules, l, end, DEPTH, rhythm);
        if (q->own[q->of[end]]) f->own = 1; /* in any rhythm of theirs */
        else if (run >= depth && run > f->registered) {
            f->registered = run;
            f->registered_work = q->of[end];
        }
    }
}

static void close_one(const line *l, uint32_t next, uint32_t run, int32_t work, ap_quotes_found *found) {
    if (plain(l->codes + l->n - run, run, next)) return;
    const int32_t interval = (int32_t)next - WIDEST - 1;
    for (uint32_t at = 0; at < found->closed; at++)
        if (found->interval[at] == interval) return;
    found->interval[found->closed] = interval;
    found->work[found->closed] = work;
    found->notes[found->closed++] = (int32_t)run + 2;
}

/* Looks among `in` alone, and gives where it has found what agrees with `depth` intervals of the line. */
static places close_after(const ap_quotes *q, const ap_quotes_rules *rules, const line *l, int64_t word, uint32_t depth, int rhythm,
                          places in, ap_quotes_found *found) {
    if (!depth || depth > l->n) return in;
    const places here = agreeing(q, word, depth, in);
    if (here.low == here.high) return here;
    follower followers[CODES];
    memset(followers, 0, sizeof followers);
    if (q->learned < q->notes) follow_registered(q, rules, l, depth, rhythm, here, followers);
    follow_learned(q, rules, l, word, depth, rhythm, here, followers);
    for (uint32_t next = 1; next < CODES; next++) {
        const follower *f = &followers[next];
        if (f->own) continue;
        if (f->registered) close_one(l, next, f->registered, f->registered_work, found);
        if (f->run && f->count <= rules->common) close_one(l, next, f->run, f->work, found);
    }
    return here;
}

void ap_quotes_find(const ap_quotes *quotes, const ap_quotes_rules *rules, const uint8_t *pitches, const uint8_t *bins,
                    const uint8_t *who, uint32_t n, ap_quotes_found *found) {
    line l = {.n = n - 1};
    found->length = found->closed = 0;
    found->nearest = -1;
    if (n < 2 || n > AP_QUOTES_LINE || !quotes->notes) return;
    for (uint32_t i = 0; i < l.n; i++) {
        const int32_t step = pitches[i + 1] - pitches[i];
        l.codes[i] = (uint8_t)((step < -WIDEST ? -WIDEST : step > WIDEST ? WIDEST : step) + WIDEST + 1);
        const int known = who[i] == who[i + 1] && bins[i] < rules->bins;
        l.waits[i] = known ? rules->waits[bins[i]] : NAN;
        l.slack[i] = known ? rules->slack[bins[i]] : 0.0f;
    }
    const int64_t word = word_of(&l);
    const int first = rules->in_rhythm < rules->in_any; /* the shorter run first: the longer one lies where that was found */
    const uint32_t depths[] = {rules->in_any, rules->in_rhythm};
    places in = {0, quotes->notes};
    in = close_after(quotes, rules, &l, word, depths[first], first, in, found);
    in = close_after(quotes, rules, &l, word, depths[!first], !first, in, found);
    longest(quotes, &l, word, place_of(quotes, word, in.low, in.high), found);
}
