/** How large a batch's part of the calls is when others wait too: 4, 2 and 1 parts (turns/turn.lua). */
export const PRIORITIES = ['high', 'normal', 'low'] as const

export type Priority = (typeof PRIORITIES)[number]
