// identity.mjs [PROFILE]: prints the ARN of the caller that the SDK finds: of PROFILE, else of the
// environment by the SDK's own chain. The endpoint and the region come from the environment.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const [profile] = process.argv.slice(2);
const client = new STSClient({ credentials: fromNodeProviderChain(profile ? { profile } : {}) });
const { Arn } = await client.send(new GetCallerIdentityCommand({}));
console.log(Arn);
