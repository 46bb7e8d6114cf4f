/** Calls per second before anything is known. */
export const START_RATE = 100
/** The rate grows by e^(this · seconds) until the first refusal: without a limit, tenfold in under a second. */
export const SEARCH_GROWTH = 3
/** Asked so late (s), calls still waited for the pace: the first calls of a process take it longer than later ones. */
export const SEARCH_SLACK = 0.1
/** After it, by e^(this · (2^(age/patience) − 1)): slowly at first, then ever faster, which finds a raised limit. */
export const GROWTH = 0.03
/** Seconds; windows call for more patience than buckets. */
export const LEAST_PATIENCE = 2
export const MOST_PATIENCE = 30
/** Calls per second that are always made. */
export const SLOWEST = 1 / 60
/** A closing lasts so long at least, s: 429s that are still on their way come in. */
export const SHORTEST_CLOSING = 0.2
/** Each closing in a row in which nothing passed is so many times as long, up to the second figure (s). */
export const CLOSING_GROWTH = 3
export const LONGEST_CLOSING = 10
/** A Retry-After from here on (s) tells of a window; a shorter one of a bucket. */
export const WINDOW_RETRY_AFTER = 2
/** A Retry-After above this (s) is not believed: limits are per minute. */
export const ABSURD_RETRY_AFTER = 120

/** A higher limit told in headers replaces a lower one after so long (s): with two models, say, the lower one counts. */
export const HINT_LASTS = 60

/** Share of what was measured that is aimed at. */
export const BELOW_MEASURED = 0.98
/** No single closing cuts deeper. */
export const DEEPEST_CUT = 0.7

/** First failures of so many requests in a row, without a success: Conduit is out. */
export const OUTAGE_FAILURES = 10
/** Seconds between the calls that ask whether it is back. */
export const FIRST_PROBE_GAP = 1
export const PROBE_GAP_GROWTH = 1.5
export const LAST_PROBE_GAP = 3
/** Calls and refusals fade with this time constant, s: what people are told of. */
export const RECENT_SECONDS = 60
/** Growth counts at most so many seconds between two looks; longer without a lease, the queue was idle. */
export const LONGEST_STEP = 1
