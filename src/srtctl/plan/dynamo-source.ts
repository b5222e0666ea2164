/** The steps that install Dynamo in a container: a released version, a nightly build, or a commit that is built. */
import type { DynamoSource } from '../recipe/resolve/recipe.ts';
import { CONFIGS_DIRECTORY } from './context.ts';
import type { PlannedFile, PlannedStep } from './plan.ts';

/** pip refuses to touch the Python of most images without it; the recipe's own environment can say otherwise. */
export const PIP_ENVIRONMENT: Readonly<Record<string, string>> = { PIP_BREAK_SYSTEM_PACKAGES: '1' };

/** Nightly builds of Dynamo are on this index besides the standard one. */
const NIGHTLY_INDEX = 'https://pypi.nvidia.com';

const SCRIPT_PATH = 'scripts/build-dynamo.sh';

/**
 * $1: repository; $2: revision, or nothing for the newest commit; $3: directory for built wheels, or nothing; more: patches, one line of TOML
 * each. One process builds a revision, the others wait for its lock and install what it built.
 */
const BUILD_SCRIPT = `#!/bin/bash
set -euo pipefail
repository=$1 revision=$2 kept=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "$revision" ]; then revision=$(git ls-remote "$repository" HEAD | cut -f1); fi
echo "srtctl: Dynamo $revision of $repository"
wheels=$work/wheels
if [ -n "$kept" ] && mkdir -p "$kept" 2>/dev/null && [ -w "$kept" ]; then
  name=$(printf '%s\\n' "$repository" "$revision" "$@" | sha256sum | cut -c1-16)
  wheels=$kept/$name-$(uname -m)-$(python3 -c 'import sys; print("py%d.%d" % sys.version_info[:2])')
  exec 9>"$wheels.lock"
  flock 9
fi
if [ ! -e "$wheels/complete" ]; then
  mkdir -p "$wheels"
  git clone --quiet "$repository" "$work/dynamo"
  cd "$work/dynamo"
  git checkout --quiet "$revision" 2>/dev/null || { git fetch --quiet origin "$revision" && git checkout --quiet FETCH_HEAD; }
  for patch in "$@"; do
    crate=\${patch%%[ =]*}
    find . -name Cargo.toml -exec sed -i -E "s|^$crate[[:space:]]*=.*$|$(printf '%s' "$patch" | sed 's/[&|\\\\]/\\\\&/g')|" {} +
  done
  if [ -f lib/bindings/python/Cargo.toml ] && ! command -v cargo >/dev/null; then
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal
    . "$HOME/.cargo/env"
  fi
  python3 -m pip wheel --no-deps -w "$wheels" ./lib/bindings/python
  python3 -m pip wheel --no-deps -w "$wheels" .
  touch "$wheels/complete"
fi
python3 -m pip install --force-reinstall --no-deps "$wheels"/*.whl
python3 -m pip install "$wheels"/*.whl
`;

/** Files that the steps need; none where nothing is built. */
export function dynamoFiles(source: DynamoSource | null): readonly PlannedFile[] {
  return source?.kind === 'git' ? [{ path: SCRIPT_PATH, content: BUILD_SCRIPT }] : [];
}

/** `keepsWheels`: whether containers see a directory of configurations, where built wheels stay for the next run. */
export function dynamoInstallSteps(source: DynamoSource | null, keepsWheels: boolean): readonly PlannedStep[] {
  if (source === null) return [];
  const step = (what: string, argv: readonly string[]): PlannedStep => ({ what, argv, cwd: null, env: PIP_ENVIRONMENT });
  switch (source.kind) {
    case 'version':
      return [step('install Dynamo', ['pip', 'install', `ai-dynamo-runtime==${source.version}`, `ai-dynamo==${source.version}`])];
    case 'wheel':
      return [step(`install the build ${source.wheel} of Dynamo`, ['pip', 'install', '--pre', ...wheelWords(source.wheel)])];
    case 'git': {
      const kept = keepsWheels ? `${CONFIGS_DIRECTORY}/dynamo-wheels` : '';
      const words = [source.repository, source.revision ?? '', kept, ...source.patches];
      return [step(`build and install Dynamo ${source.revision ?? 'from its newest commit'}`, ['bash', `<run>/${SCRIPT_PATH}`, ...words])];
    }
  }
}

/** A file or URL as pip takes it, or the version of a nightly build. */
function wheelWords(wheel: string): readonly string[] {
  if (/\.whl$|[/:@]/.test(wheel)) return [wheel];
  return ['--extra-index-url', NIGHTLY_INDEX, `ai-dynamo-runtime==${wheel}`, `ai-dynamo==${wheel}`];
}
