import type { Target } from './strike.js'
import type { World } from './world.js'

/** All that can be struck in a world. */
export function targetsOf({ posts, disk }: Pick<World, 'posts' | 'disk'>): Target[] {
  return [
    ...posts.map(({ name, group }): Target => ({ kind: 'process', name, group })),
    ...posts.map(({ name }): Target => ({ kind: 'link', name: `network of ${name}`, group: 'network' })),
    { kind: 'redis', name: 'redis', group: 'redis' },
    { kind: 'account', name: 'account', group: 'account' },
    ...(disk === null ? [] : [{ kind: 'disk', name: 'disk', group: 'disk' } as const]),
  ]
}
