<?php
$metadata['https://idp.corp.example/saml'] = [
    'host' => '__DEFAULT__',
    'auth' => isset($_SERVER['REMOTE_USER']) ? 'remote' : 'people',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
];
