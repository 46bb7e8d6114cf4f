// Submits a batch of requests that are made while they are read, and prints the answers as they come.
//
//   npx conduit-batch work &          # somebody has to make the calls
//   node examples/submit-batch.mjs
//
// Run it twice and it is the same batch: the answers come from the files, and no call is made.
import { createProducer } from 'conduit-batch'

const producer = createProducer({
  redis: process.env.REDIS_URL,
  keyPrefix: process.env.CONDUIT_BATCH_KEY_PREFIX,
  searchPath: process.env.PATH,
})

/** Requests could come from a database, page by page; they are kept on disk, not in memory. */
async function* capitals() {
  for (const country of ['France', 'Peru', 'Japan', 'Kenya', 'Norway']) {
    yield { custom_id: country, prompt: `What is the capital of ${country}?` }
  }
}

try {
  const batch = await producer.submitBatch(capitals(), { model: 'gpt-4o-mini', name: 'capitals' })
  console.error(`batch ${batch.id}: answers go to ${batch.output}`)

  for await (const result of batch) {
    if (result.kind === 'completed')
      console.log(`${result.customId}: ${result.response.choices[0].message.content}`)
    else console.error(`${result.customId}: ${result.error.code}: ${result.error.message}`)
  }

  const { state, completed, failed } = await batch.progress()
  console.error(`${state}: ${completed} answered, ${failed} failed`)
} finally {
  await producer.close()
}
