// identity.mjs [PROFILE [TIMES]]: prints the ARN of the caller that the SDK finds: of PROFILE, else of the
// environment by the SDK's own chain. The endpoint and the region come from the environment. It
// asks so many times, with one client, and sleeps for $PAUSE (500ms) between two. With ONLY_PROCESS set it takes the profile's credential_process
// for the only source, whose error the chain would hide.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain, fromProcess } from "@aws-sdk/credential-providers";

const [profile, times = "1"] = process.argv.slice(2);
const source = process.env.ONLY_PROCESS ? fromProcess : fromNodeProviderChain;
const client = new STSClient({ credentials: source(profile ? { profile } : {}) });
for (let i = 0; i < Number(times); i++) {
  if (i > 0) await new Promise((done) => setTimeout(done, parseInt(process.env.PAUSE ?? "0", 10)));
  const { Arn } = await client.send(new GetCallerIdentityCommand({}));
  if (i === 0) console.log(Arn);
}
