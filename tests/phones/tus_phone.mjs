// An unmodified tus-js-client that sends a file, loses its line on the way, and goes on where the server stands.
// Arguments: the upload URL, the path of the file, and after how many bytes the line breaks (0: never).
// Prints one line of JSON: {sent, broken}, or {error}.
import { readFile } from 'node:fs/promises'
import { Upload } from 'tus-js-client'

const [url, path, breakAfter] = process.argv.slice(2)
const file = await readFile(path)
const usual = { uploadUrl: url, chunkSize: 64 * 1024, retryDelays: [0, 50, 100] }

function send(breaksAt) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      ...usual,
      onError: reject,
      onSuccess: () => resolve('whole'),
      onChunkComplete: (_, accepted) => {
        if (breaksAt > 0 && accepted >= breaksAt && accepted < file.length) {
          upload.abort().then(() => resolve(`broken at ${accepted}`), reject)
        }
      },
    })
    upload.start()
  })
}

try {
  const broken = Number(breakAfter) > 0 ? await send(Number(breakAfter)) : null
  console.log(JSON.stringify({ sent: await send(0), broken }))
} catch (error) {
  const status = error.originalResponse ? error.originalResponse.getStatus() : null
  console.log(JSON.stringify({ error: status, message: String(error.message) }))
}
