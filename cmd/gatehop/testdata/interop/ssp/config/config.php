<?php
// SimpleSAMLphp as an identity provider for AWS. Every path and address comes from the
// environment that `up` sets; nothing outside SSP_STATE is read or written.
$state = getenv('SSP_STATE');
$https = strncmp(getenv('SSP_BASE'), 'https:', 6) === 0;

$config = [
    'baseurlpath' => getenv('SSP_BASE') . '/simplesaml/',
    'certdir' => "$state/cert/",
    'datadir' => "$state/data/",
    'loggingdir' => "$state/log/",
    'metadatadir' => "$state/metadata/",
    'attributenamemapdir' => "$state/attributemap/",
    'tempdir' => "$state/tmp/",
    'metadata.sources' => [['type' => 'flatfile']],

    'secretsalt' => getenv('SSP_SALT'),
    'auth.adminpassword' => getenv('SSP_SALT'),
    'timezone' => 'UTC',
    'language.default' => 'en',
    'language.available' => ['en'],
    'production' => false,
    'admin.checkforupdates' => false,
    'showerrors' => true,
    'errorreporting' => false,

    'logging.handler' => 'file',
    'logging.logfile' => 'simplesamlphp.log',
    'logging.level' => SimpleSAML\Logger::INFO, // the tests count the posted passwords here

    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'authproc.idp' => [],

    'store.type' => 'phpsession',
    'session.phpsession.savepath' => "$state/sessions",
    'session.cookie.secure' => $https,
    'session.cookie.samesite' => $https ? 'None' : null,
    'language.cookie.secure' => $https,
];
