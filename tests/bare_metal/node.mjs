// Prints the digests of the runs in the WebAssembly module named on the command line.
import { readFile } from 'node:fs/promises';
import { argv } from 'node:process';

const { instance } = await WebAssembly.instantiate(await readFile(argv[2]), {});
const { runs, digest } = instance.exports;
for (let run = 0; run < runs(); run += 1) {
  console.log(BigInt.asUintN(64, digest(run)).toString(16).padStart(16, '0'));
}
