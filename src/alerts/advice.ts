export * from '../cli/text/pause-notice.js'
