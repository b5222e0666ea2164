/** Images of registries, imported once by enroot before anything that runs in them. */
import { type PlannedProcess, TIERS } from './plan.ts';
import { plannedProcess } from './planned-process.ts';

/**
 * With a directory for images every image of a registry becomes a file there, which one process for each image on the first node writes
 * unless it is there. Without it pyxis imports the image at every step for itself, while somebody waits for the worker.
 * @param directory absolute, seen by all nodes; null: no import
 */
export function importImages(directory: string | null, processes: readonly PlannedProcess[]): readonly PlannedProcess[] {
  if (directory === null) return processes;
  const images = [...new Set(processes.flatMap(({ container }) => (container !== null && isOfRegistry(container) ? [container] : [])))];
  const files = new Map(images.map((image) => [image, `${directory}/${fileName(image)}`]));
  return [
    ...[...files].map(([image, file], index) => importProcess(image, file, index)),
    ...processes.map((process) => ({ ...process, container: files.get(process.container ?? '') ?? process.container })),
  ];
}

/** What is no file. Images of a local docker or podman daemon are found on the node that srtctl was not started on, if at all. */
function isOfRegistry(container: string): boolean {
  return !/^[./<]|\.sqsh$|^(?:dockerd|podman):\/\//.test(container);
}

/** As `enroot import` itself names it. */
function fileName(image: string): string {
  return `${image.replace(/^docker:\/\//, '').replaceAll(/[^\w.-]/g, '+')}.sqsh`;
}

function importProcess(image: string, file: string, index: number): PlannedProcess {
  return plannedProcess({
    id: `import-${index}`,
    role: 'task',
    on: 0,
    tier: TIERS.images,
    worker: index,
    argv: ['bash', '-c', IMPORT, 'import', file, image.startsWith('docker://') ? image : `docker://${image}`],
    ready: { kind: 'done' },
  });
}

/** Written beside its place first: another run may import the same image, and half of a file is no image. */
const IMPORT = `file=$1 image=$2 new=$1.$HOSTNAME.$$
if [ -e "$file" ]; then echo "srtctl: $file is there"; exit 0; fi
trap 'rm -f -- "$new"' EXIT
trap 'exit 143' TERM INT
mkdir -p -- "$(dirname -- "$file")" || exit
enroot import -o "$new" "$image" & wait "$!" || exit
mv -- "$new" "$file"
`;
