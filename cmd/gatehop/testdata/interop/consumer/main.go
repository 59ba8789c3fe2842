// Command consumer asks STS who it is with the AWS SDK for Go, for gatehop's
// interoperability tests. It is a module of its own: gatehop does not link the SDK's config package.
//
//	consumer [PROFILE [TIMES]]
//
// It prints the ARN of the caller that the SDK finds: of PROFILE, else of the environment.
// It asks so many times, with one client, and sleeps for $PAUSE (500ms) between two.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	arn, err := identity(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "consumer:", err)
		os.Exit(1)
	}
	fmt.Println(arn)
}

func identity(ctx context.Context, args []string) (string, error) {
	var options []func(*config.LoadOptions) error
	if len(args) > 0 {
		options = append(options, config.WithSharedConfigProfile(args[0]))
	}
	times := 1
	if len(args) > 1 {
		var err error
		if times, err = strconv.Atoi(args[1]); err != nil {
			return "", err
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return "", err
	}
	pause, _ := time.ParseDuration(os.Getenv("PAUSE"))
	client, arn := sts.NewFromConfig(cfg), ""
	for i := range times {
		if i > 0 {
			time.Sleep(pause)
		}
		who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return "", err
		}
		arn = aws.ToString(who.Arn)
	}
	return arn, nil
}
