// Run before every test file, also where files share their modules.
import { afterAll, afterEach } from 'vitest'
import { putAway } from './put-away.js'

// Registered first, so it runs after the file's own hooks (vitest runs them last in, first out).
afterEach(putAway.afterEach)
afterAll(putAway.afterAll)
