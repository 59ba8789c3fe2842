<?php
// The directory of people: NAME:PASSWORD => attributes of the assertion.
const ROLE = 'https://aws.amazon.com/SAML/Attributes/Role';
const SESSION_NAME = 'https://aws.amazon.com/SAML/Attributes/RoleSessionName';
const SESSION_DURATION = 'https://aws.amazon.com/SAML/Attributes/SessionDuration';

function role(string $account, string $name): string
{
    return "arn:aws:iam::$account:role/$name";
}

function provider(string $account): string
{
    return "arn:aws:iam::$account:saml-provider/CorpIdP";
}

function person(string $uid, array $roles): array
{
    return [
        'uid' => [$uid],
        SESSION_NAME => ["$uid@corp.example"],
        SESSION_DURATION => ['3600'],
        ROLE => $roles,
    ];
}

$config = [
    'people' => [
        'exampleauth:UserPass',
        // Three roles; the last has the provider first, which AWS reads as well.
        'alice:alice-pass' => person('alice', [
            role('111111111111', 'GatewayAdmin') . ',' . provider('111111111111'),
            role('111111111111', 'ReadOnly') . ',' . provider('111111111111'),
            provider('222222222222') . ',' . role('222222222222', 'path/Deployer'),
        ]),
        'bob:bob-pass' => person('bob', [role('111111111111', 'ReadOnly') . ',' . provider('111111111111')]),
        // Characters that a client must encode, and one that is not ASCII.
        'zoë:p&ss=w+rd %41"<é>' => person('zoe', [role('111111111111', 'ReadOnly') . ',' . provider('111111111111')]),
        // May sign in, has nothing in AWS: the assertion carries no Role attribute.
        'norole:norole-pass' => ['uid' => ['norole'], SESSION_NAME => ['norole@corp.example']],
    ],
    // Whoever passed the HTTP authentication of httpauth.conf: alice, alice@REALM or CORP\alice.
    'remote' => ['exampleauth:StaticSource'] + person(
        preg_replace('/^.*\\\\|@.*$/', '', $_SERVER['REMOTE_USER'] ?? 'nobody'),
        [role('111111111111', 'ReadOnly') . ',' . provider('111111111111')],
    ),
];
