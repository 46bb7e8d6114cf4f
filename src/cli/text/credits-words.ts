import { type LowBalance, lowBalanceInWords } from '../../alerts/balance-words.js'
import type { Forecast } from '../../credits/forecast.js'
import { inDollars } from '../../money.js'
import { type Canvas, labelled } from './layout.js'

/**
 * How far the credits go, for `status`; nothing while nobody can tell.
 * @param goesOn calls are made; while the queue is held nothing is spent, so there is no rate to last at
 */
export function creditsLines(forecast: Forecast | null, goesOn: boolean, canvas: Canvas): string[] {
  if (forecast === null) return []
  const { balanceCents, costToFinishCents, shortByCents, low } = forecast
  if (low || shortByCents > 0) {
    const look = low ? ({ labelTone: 'alert' } as const) : {}
    const words = shortWords(goesOn ? forecast : { ...forecast, lastsMs: null })
    return labelled(low ? 'CREDITS' : 'Credits', words, canvas, look)
  }
  const use =
    costToFinishCents > 0 ? `, enough for what is queued (about ${inDollars(costToFinishCents)})` : ''
  return labelled('Credits', `${inDollars(balanceCents)}${use}`, canvas)
}

/** That they will not last, while work goes on; nothing while they do, or while nobody can tell. */
export function lowCreditsLines(forecast: Forecast | null, canvas: Canvas): string[] {
  if (forecast === null || !forecast.low) return []
  return labelled('CREDITS', `${shortWords(forecast)} Top up in time, and nothing stops.`, canvas, {
    labelTone: 'alert',
  })
}

/** About what the queued requests cost, at a pause; nothing while nobody can tell. */
export function costToFinishLines(forecast: Forecast | null, canvas: Canvas): string[] {
  if (forecast === null || forecast.costToFinishCents <= 0) return []
  const { balanceCents, costToFinishCents } = forecast
  const left = balanceCents > 0 ? `${inDollars(balanceCents)} is left` : 'nothing is left'
  return labelled('To finish', `about ${inDollars(costToFinishCents)}; ${left} in the account`, canvas)
}

function shortWords(forecast: LowBalance): string {
  const words = lowBalanceInWords(forecast)
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
