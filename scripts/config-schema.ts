/** Writes the JSON Schema of conduit-batch.config.json, for editors: `npm run build` does it. */
import { writeFile } from 'node:fs/promises'
import { fileJsonSchema } from '../src/config/file-schema.js'

// dist/scripts/config-schema.js → the package's root
const place = new URL('../../conduit-batch.config.schema.json', import.meta.url)
await writeFile(place, `${JSON.stringify(fileJsonSchema(), null, 2)}\n`)
