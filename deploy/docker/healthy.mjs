/** The health check of an image: 0 if the process in it answers `/livez`. */
const { METRICS_PORT = '9464' } = process.env
const answer = await fetch(`http://127.0.0.1:${METRICS_PORT}/livez`).catch(() => undefined)
process.exitCode = answer?.ok ? 0 : 1
