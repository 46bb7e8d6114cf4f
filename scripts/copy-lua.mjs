// tsc compiles only TypeScript; the Lua scripts go beside the code that loads them.
import { cp } from 'node:fs/promises'

for (const room of ['src']) {
  await cp(room, `dist/${room}`, {
    recursive: true,
    filter: (path) => !/\.[a-z]+$/.test(path) || path.endsWith('.lua'),
  })
}
