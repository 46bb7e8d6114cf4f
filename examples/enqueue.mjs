// Enqueues one chat completion and waits for its answer.
//
//   npx conduit-batch work &          # somebody has to make the calls
//   node examples/enqueue.mjs "What is the capital of France?"
//
// Both find the private Redis of ./.conduit-batch, or the one that REDIS_URL names.
import { createProducer } from 'conduit-batch'

const [question = 'What is the capital of France?', customId] = process.argv.slice(2)

const producer = createProducer({
  redis: process.env.REDIS_URL,
  keyPrefix: process.env.CONDUIT_BATCH_KEY_PREFIX,
  searchPath: process.env.PATH,
})

try {
  // With a custom id of your own, running this twice makes one call: the second run gets the same answer.
  const request = await producer.enqueue(
    { model: 'gpt-4o-mini', messages: [{ role: 'user', content: question }] },
    { customId },
  )
  console.error(`enqueued as ${request.id}: workers answer it, also when this process ends now`)

  const result = await request.result({ timeoutMs: 10 * 60_000 })
  switch (result.kind) {
    case 'completed':
      console.log(result.response.choices[0].message.content)
      break
    case 'failed':
      console.error(`${result.error.code}: ${result.error.message}`)
      process.exitCode = 1
      break
  }
} finally {
  await producer.close()
}
