/**
 * An error in words for the person at the terminal. Errors of ours (with a code) say what is wrong and what to do;
 * of anything else the stack is worth more than nothing.
 */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as { code?: unknown }).code
  const problems = (error as { problems?: unknown }).problems
  const list =
    Array.isArray(problems) && code === 'bad_lines' ? `:\n${problems.map((p) => `  ${p}`).join('\n')}` : ''
  if (typeof code === 'string' && /^[a-z_]+$/.test(code)) return `${error.message}${list}`
  return error.stack ?? error.message
}
