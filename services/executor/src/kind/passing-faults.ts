/**
 * Which failures pass by themselves: after these the same attempt may succeed without anybody doing anything. All others
 * are permanent, and are reported at once instead of being retried.
 */

/**
 * Of the operating system. A full disk (ENOSPC, EDQUOT) is not among them: somebody has to make room, and until then what
 * was done before is undone rather than left half-way.
 */
export const PASSING_ERRNOS: ReadonlySet<string> = new Set([
  ...[
    'EAGAIN',
    'EWOULDBLOCK',
    'EBUSY',
    'EINTR',
    'ETXTBSY',
    'EMFILE',
    'ENFILE',
    'ENOMEM',
    'ENOBUFS',
    'ENOLCK',
    'ESTALE',
  ],
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'],
  ...['ENETUNREACH', 'ENETDOWN', 'ENETRESET'],
])

/** Of an HTTP server: too early, too many, too slow, and its own faults but for those that say what it will never do. */
export const isPassingStatus = (status: number): boolean =>
  [408, 425, 429].includes(status) || (status >= 500 && !PERMANENT_5XX.has(status))

/** Not implemented, HTTP version, variant, loop, extension, network login. */
const PERMANENT_5XX: ReadonlySet<number> = new Set([501, 505, 506, 508, 510, 511])
