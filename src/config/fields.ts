import { z } from 'zod'
import { DURATION } from './duration.js'

const NAME_OF_VARIABLE = 'must be the name of an environment variable (A-Z, 0-9 and "_"), not what is in it'

/** An object that may have these fields and no others. */
export const fields = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, { error: 'must be an object' })

/** The name of a variable. Capitals only: a key that was put in its place must not pass, for names are shown. */
export const variable = () => z.string(NAME_OF_VARIABLE).regex(/^[A-Z_][A-Z0-9_]*$/, NAME_OF_VARIABLE)

/** A time, as it is written. */
export function duration() {
  const error = 'must be a time like "30d", "12h", "45m" or "2w"'
  return z.string(error).regex(DURATION, error)
}
