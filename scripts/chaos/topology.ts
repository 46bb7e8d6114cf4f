import { BIN, roleScript } from './places.js'

/** Which processes work on the batch. */
export type Topology = 'apart' | 'run' | 'helped' | 'drill'

/** A process of a topology. */
export interface Post {
  readonly name: string
  /** Of the victims; each has its turn. */
  readonly group: string
  readonly command: readonly string[]
  /** Which of the roles a strike on it concerns. */
  readonly calls: boolean
  readonly alerts: boolean
  /** On another machine, where that can be had. */
  readonly far: boolean
  /** Ends with the batch. */
  readonly ends: boolean
}

/** Roles apart: two processes that call (one on another machine), two that may collect, one that alerts. */
function apart(): Post[] {
  const work = (role: string) => [BIN, 'work', '--roles', role]
  const post = { calls: false, alerts: false, far: false, ends: false }
  return [
    { ...post, name: 'completion-1', group: 'completion', command: [roleScript('completion')], calls: true },
    {
      ...post,
      name: 'completion-2',
      group: 'completion',
      command: work('completion'),
      calls: true,
      far: true,
    },
    { ...post, name: 'batch-1', group: 'batch', command: work('batch') },
    { ...post, name: 'batch-2', group: 'batch', command: [roleScript('batch')] },
    { ...post, name: 'alert-1', group: 'alert', command: [roleScript('alert')], alerts: true },
  ]
}

function run(name: string, flags: readonly string[]): Post {
  const command = [BIN, 'run', 'in.jsonl', '--json', ...flags]
  return { name, group: 'run', command, calls: true, alerts: true, far: false, ends: true }
}

/** The processes of a topology; `flags` are those of `run`. */
export function postsOf(topology: Topology, flags: readonly string[]): Post[] {
  switch (topology) {
    case 'apart':
      return apart()
    case 'drill': {
      const [near, far] = apart() as [Post, Post]
      return [...apart(), { ...near, name: 'completion-3' }, { ...far, name: 'completion-4' }]
    }
    case 'run':
      return [run('run-1', flags), run('run-2', flags)]
    case 'helped':
      return [
        run('run-1', flags),
        ...apart().filter(({ name }) => ['completion-2', 'batch-1', 'alert-1'].includes(name)),
      ]
  }
}
