// isomorphic-git, with the command line of ../client.py.
import fs from 'node:fs'
import { parseArgs } from 'node:util'
import git from 'isomorphic-git'
import http from 'isomorphic-git/http/node'

const FAILED = 1
const REFUSED = 2

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    token: { type: 'string' },
    depth: { type: 'string' },
    protocol: { type: 'string' },
    force: { type: 'boolean', default: false },
  },
})
const [verb, ...words] = positionals
const depth = options.depth === undefined ? undefined : Number(options.depth)
const remote = {
  fs,
  http,
  remote: 'origin',
  // Called once the server has asked; a second time only if onAuthFailure gives other credentials.
  onAuth: () => (options.token === undefined ? { cancel: true } : { username: 'x', password: options.token }),
}

async function clone(url, dir) {
  await git.clone({ ...remote, url, dir, depth, noCheckout: true })
}

async function fetch(dir) {
  await git.fetch({ ...remote, dir, depth, tags: true })
}

// It pushes one ref at a time.
async function push(dir, ...refspecs) {
  for (const refspec of refspecs) {
    const [source, target] = refspec.split(':')
    const what = source === '' ? { ref: target, delete: true } : { ref: source }
    const report = await git.push({ ...remote, dir, remoteRef: target, force: options.force, ...what })
    if (!report.ok) throw new Error(JSON.stringify(report))
  }
}

async function list(url) {
  const protocolVersion = options.protocol === '0' ? 1 : 2 // 1 sends no Git-Protocol header
  for (const { oid, ref } of await git.listServerRefs({ ...remote, url, protocolVersion })) {
    console.log(oid, ref)
  }
}

// Only the listing of refs lets one choose.
function checkProtocol() {
  if (verb !== 'list' && ![undefined, '0'].includes(options.protocol)) {
    throw new Error('isomorphic-git fetches and pushes by protocol version 0 only')
  }
}

const verbs = { clone, fetch, push, list }
try {
  checkProtocol()
  await verbs[verb](...words)
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message}`)
  process.exitCode = error.code === 'HttpError' && error.data.statusCode === 401 ? REFUSED : FAILED
}
