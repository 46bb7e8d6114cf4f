import { z } from 'zod'

export const editSchema = z.union([
  z.strictObject({ set: z.record(z.string(), z.unknown()) }),
  z.strictObject({ body: z.record(z.string(), z.unknown()) }),
])
export type Edit = z.infer<typeof editSchema>

export function applyEdit(body: Readonly<Record<string, unknown>>, edit: Edit): Record<string, unknown> {
  return 'body' in edit ? edit.body : { ...body, ...edit.set }
}
