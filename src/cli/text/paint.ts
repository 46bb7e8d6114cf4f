import { styleText } from 'node:util'

/** The few styles that the terminal's faces use; colours keep to the basic sixteen, so any theme fits them. */
export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'waiting' | 'bad' | 'alert' | 'command'

/** Gives `text` a style, or leaves it as it is when colours are off. It never changes a text's width. */
export type Paint = (tone: Tone, text: string) => string

type Style = Parameters<typeof styleText>[0]

const styles: Readonly<Record<Exclude<Tone, 'plain'>, Style>> = {
  strong: 'bold',
  faint: 'dim',
  good: 'green',
  waiting: 'yellow',
  bad: 'red',
  alert: ['bold', 'yellow'],
  command: ['bold', 'cyan'],
}

/** `colour` alone decides; the environment was asked by whoever calls this. */
export function createPaint(colour: boolean): Paint {
  return (tone, text) => {
    if (!colour || tone === 'plain' || text === '') return text
    return styleText(styles[tone], text, { validateStream: false })
  }
}
