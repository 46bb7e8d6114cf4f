import { randomBytes } from 'node:crypto'

const IMAGE = 'redis:8-alpine'

/**
 * Starts a Redis container on a free port through Testcontainers, as durable as the product wants it.
 * @throws whatever says that Docker does not answer, or that the image can't be had
 */
export async function startContainer(
  say: (line: string) => void,
): Promise<{ url: string; stop: () => Promise<void> }> {
  // Loaded here because it takes a second, and most machines have a Redis.
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers')
  await getContainerRuntimeClient()
  say(`Starting Redis in a container (${IMAGE}).`)
  // Docker publishes the port on every interface.
  const password = randomBytes(16).toString('hex')
  const durability = ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction']
  const container = await new GenericContainer(IMAGE)
    .withCommand(['redis-server', ...durability, '--requirepass', password])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .withStartupTimeout(60_000)
    .start()
  return {
    url: `redis://:${password}@${container.getHost()}:${container.getMappedPort(6379)}/0`,
    stop: async () => void (await container.stop()),
  }
}
