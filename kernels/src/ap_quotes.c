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
    int own;
} follower;

typedef struct places {
    uint64_t low, high;
} places;

static uint64_t place_of(const ap_quotes *q, int64_t word, uint64_t low, uint64_t high) {
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (q->words[middle] < word) low = middle + 1;
        else high = middle;
    }
    return low;
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
    return (places){low, place_of(q, first + ((int64_t)1 << rest), low, in.high)};
}

static uint32_t alike(int64_t one, int64_t two) {
    uint32_t run = 0;
    for (int64_t apart = one ^ two; run < DEPTH && !(apart >> (BITS * (DEPTH - 1 - run))); run++) {}
    return run;
}

/* Looks among `in` alone, and gives where it has found what agrees with `depth` intervals of the line. A run may be longer than
 * that: one that many families have is still a quotation where it goes on, further back, with one of them. */
static places close_after(const ap_quotes *q, const ap_quotes_rules *rules, const line *l, int64_t word, uint32_t depth, int rhythm,
                          places in, ap_quotes_found *found) {
    if (!depth || depth > l->n) return in;
    const places here = agreeing(q, word, depth, in);
    places among = here;
    for (uint32_t deeper = depth + 1; among.high - among.low > rules->commonplace && deeper <= l->n && deeper <= DEPTH; deeper++)
        among = agreeing(q, word, deeper, among);
    if (among.low == among.high || among.high - among.low > rules->commonplace) return here;
    follower followers[CODES];
    memset(followers, 0, sizeof followers);
    /* From where the line itself would lie outwards, so that the longest runs come first and shorter ones need no second look. */
    uint64_t after = place_of(q, word, among.low, among.high), before = after;
    while (before > among.low || after < among.high) {
        const uint32_t left = before > among.low ? alike(word, q->words[before - 1]) + 1 : 0;
        const uint32_t right = after < among.high ? alike(word, q->words[after]) + 1 : 0;
        const uint64_t at = left > right ? --before : after++;
        const uint32_t next = q->nexts[at];
        follower *f = &followers[next < CODES ? next : 0];
        uint32_t run = (left > right ? left : right) - 1;
        if (run > l->n) run = l->n;
        if (!next || (run < DEPTH && run < f->run && !q->any_own)) continue;
        const uint64_t end = (uint64_t)q->ends[at];
        if (run == DEPTH) run = run_from(q, l, end, DEPTH);
        if (run < depth) continue;
        if (q->any_own && q->own[q->of[end]]) f->own = 1; /* in any rhythm of theirs */
        if (rhythm) run = in_rhythm(q, l, end, run, rules->loose);
        if (run >= depth && run >= f->run) follow(f, q, end, run);
    }
    for (uint32_t next = 1; next < CODES; next++) {
        const follower *f = &followers[next];
        if (!f->run || f->count > rules->common || f->own || plain(l->codes + l->n - f->run, f->run, next)) continue;
        const int32_t interval = (int32_t)next - WIDEST - 1;
        uint32_t at = 0;
        while (at < found->closed && found->interval[at] != interval) at++;
        if (at < found->closed) continue;
        found->interval[at] = interval;
        found->work[at] = f->work;
        found->notes[at] = (int32_t)f->run + 2;
        found->closed++;
    }
    return here;
}

void ap_quotes_find(const ap_quotes *quotes, const ap_quotes_rules *rules, const int32_t *pitches, const int32_t *bins,
                    const uint8_t *who, uint32_t n, ap_quotes_found *found) {
    line l = {.n = n - 1};
    found->length = found->closed = 0;
    found->nearest = -1;
    if (n < 2 || n > AP_QUOTES_LINE || !quotes->notes) return;
    for (uint32_t i = 0; i < l.n; i++) {
        const int32_t step = pitches[i + 1] - pitches[i];
        l.codes[i] = (uint8_t)((step < -WIDEST ? -WIDEST : step > WIDEST ? WIDEST : step) + WIDEST + 1);
        const int known = who[i] == who[i + 1] && bins[i] >= 0 && (uint32_t)bins[i] < rules->bins;
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
