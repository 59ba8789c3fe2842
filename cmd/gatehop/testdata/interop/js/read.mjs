// read.mjs: prints what the AWS SDK for JavaScript reads in pairs of AWS files.
//
// Each line of standard input is {"config": PATH, "credentials": PATH}, each line of standard
// output the answer: the profiles of either file and of both together.
import { createInterface } from "node:readline";
import { loadSharedConfigFiles, parseKnownFiles } from "@smithy/shared-ini-file-loader";

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const files = { configFilepath: job.config, filepath: job.credentials, ignoreCache: true };
  const { configFile, credentialsFile } = await loadSharedConfigFiles(files);
  const answer = JSON.stringify({ config: configFile, credentials: credentialsFile, merged: await parseKnownFiles(files) });
  process.stdout.write(answer + "\n");
}
