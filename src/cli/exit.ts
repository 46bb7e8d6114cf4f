/** The documented exit codes. */
export const EXIT = { answered: 0, error: 1, failures: 2, paused: 3, interrupted: 130 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
