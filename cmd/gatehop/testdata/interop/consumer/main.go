// Command consumer asks STS who it is with the AWS SDK for Go, for gatehop's
// interoperability tests. It is a module of its own: gatehop does not link the SDK's config package.
//
//	consumer [PROFILE]
//
// It prints the ARN of the caller that the SDK finds: of PROFILE, else of the environment.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	arn, err := identity(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "consumer:", err)
		os.Exit(1)
	}
	fmt.Println(arn)
}

func identity(ctx context.Context, profile []string) (string, error) {
	var options []func(*config.LoadOptions) error
	if len(profile) == 1 {
		options = append(options, config.WithSharedConfigProfile(profile[0]))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return "", err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(who.Arn), nil
}
