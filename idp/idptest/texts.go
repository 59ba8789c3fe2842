package idptest

import "strings"

// Text is the words of AD FS's pages in one language. The English ones are those that
// AD FS shows; the others are translations and prove only that nobody matches on text.
type Text struct {
	Lang, SignIn, ErrorTitle, UpdateTitle, Working                       string
	ScriptTitle, ScriptNeeded, ScriptOff, Submit, Next                   string
	LoginMessage, Introduction, UserName, Password, Kmsi                 string
	WrongPassword, Expired                                               string
	ErrorOpening, ErrorMessage, ErrorDetails, NotPermitted               string
	SignedIn, NotSignedIn, ThisSite, OtherSite, ChooseSite               string
	Organisation, ByEmail, UnknownEmail                                  string
	MustUpdate, OldPassword, NewPassword, ConfirmPassword, UpdateRefused string
	Welcome, SecondFactor, Challenge, Answer, WrongAnswer                string
	Pushed, PushDenied                                                   string
	VerificationCode, SecurityCode, Passcode, NextCode                   string
	NewPin, ConfirmPin                                                   string
	Calling, CallDenied, CallExpired                                     string
	CallOptions                                                          []string // of Azure MFA Server: what it can do
	NotEnrolled, EnrolAt                                                 string
	UserNameLabel, ChooseMethod, MethodsTitle                            string
	PickCertificate, NoCertificate                                       string
	// AD FS 2.0
	SignInButton, UserNameField, UserNameExample, PasswordField string
	IncorrectUserName, Trouble, Reference, ServerError          string
	SignOut, SignOutHere, Continue                              string
}

// TextIn returns the words in the first language of an Accept-Language header that
// AD FS is simulated in ("en", "de", "nl"), in the order the header has them; English
// if there is none.
func TextIn(acceptLanguage string) Text {
	for tag := range strings.SplitSeq(acceptLanguage, ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
		if text, ok := texts[tag]; ok {
			return text
		}
	}
	return texts["en"]
}

var texts = map[string]Text{
	"en": {
		Lang: "en-US", SignIn: "Sign in", ErrorTitle: "Error", UpdateTitle: "Update Password", Working: "Working...",
		ScriptTitle:      "JavaScript required",
		ScriptNeeded:     "JavaScript is required. This web browser does not support JavaScript or JavaScript in this web browser is not enabled.",
		ScriptOff:        "Script is disabled. Click Submit to continue.",
		Submit:           "Submit",
		Next:             "Next",
		LoginMessage:     "Sign in with your organizational account",
		Introduction:     "Need help? Call the service desk.",
		UserName:         "someone@example.com",
		Password:         "Password",
		Kmsi:             "Keep me signed in",
		WrongPassword:    "Incorrect user ID or password. Type the correct user ID and password, and try again.",
		Expired:          "Your password has expired.",
		ErrorOpening:     "An error occurred",
		ErrorMessage:     "An error occurred. Contact your administrator for more information.",
		ErrorDetails:     "Error details",
		NotPermitted:     "You are not authorized to access this site. Contact your administrator for more information.",
		SignedIn:         "You are signed in.",
		NotSignedIn:      "You are not signed in.",
		ThisSite:         "Sign in to this site",
		OtherSite:        "Sign in to one of the following sites:",
		ChooseSite:       "Choose a site",
		Organisation:     "Sign in with one of these accounts",
		ByEmail:          "Or type your e-mail address",
		UnknownEmail:     "No organization is known for this address.",
		MustUpdate:       "You must update your password because your password has expired.",
		OldPassword:      "Old password",
		NewPassword:      "New password",
		ConfirmPassword:  "Confirm new password",
		UpdateRefused:    "The password could not be updated.",
		Welcome:          "Welcome",
		SecondFactor:     "For security reasons, we require additional information to verify your account",
		Challenge:        "What is the answer?",
		Answer:           "Answer",
		WrongAnswer:      "The answer is not right. Try again.",
		Pushed:           "We have sent a request to your phone. Approve it to go on.",
		PushDenied:       "The request was denied.",
		VerificationCode: "Verification code",
		SecurityCode:     "Security code",
		Passcode:         "Passcode",
		NextCode:         "Wait for the code to change, then type the next one",
		NewPin:           "New PIN",
		ConfirmPin:       "New PIN again",
		Calling:          "We are contacting you. Answer to go on.",
		CallDenied:       "Authentication denied.  Please try again.",
		CallExpired:      "You did not answer in time. Try again.",
		NotEnrolled:      "The selected authentication method is not available for",
		EnrolAt:          "Set it up at",
		CallOptions:      []string{"Notification in the mobile app", "Phone call", "Text message", "Code of the mobile app"},
		UserNameLabel:    "User Account",
		ChooseMethod:     "Choose how to sign in",
		PickCertificate:  "Select the certificate to sign in with.",
		NoCertificate:    "The request holds no certificate that could be used.",
		MethodsTitle:     "Authentication options",

		SignInButton:      "Sign In",
		UserNameField:     "User name:",
		UserNameExample:   "Example: Domain\\Username",
		PasswordField:     "Password:",
		IncorrectUserName: "The user name or password is not right. Type both again, and make sure of the case of letters.",
		Trouble:           "There was a problem accessing the site. Try to browse to the site again. If the problem persists, contact the administrator of this site and provide the reference number to identify the problem.",
		Reference:         "Reference number",
		ServerError:       "Server Error in '/adfs/ls' Application.",
		SignOut:           "Sign out from all sites",
		SignOutHere:       "Sign out from this site",
		Continue:          "Continue",
	},
	"de": {
		Lang: "de-DE", SignIn: "Anmelden", ErrorTitle: "Fehler", UpdateTitle: "Kennwort aktualisieren", Working: "Wird bearbeitet...",
		ScriptTitle:      "JavaScript erforderlich",
		ScriptNeeded:     "Dieser Browser führt kein JavaScript aus.",
		ScriptOff:        "Skripte sind abgeschaltet. Weiter mit Senden.",
		Submit:           "Senden",
		Next:             "Weiter",
		LoginMessage:     "Melden Sie sich mit Ihrem Organisationskonto an",
		Introduction:     "Fragen? Rufen Sie die Hotline an.",
		UserName:         "jemand@example.com",
		Password:         "Kennwort",
		Kmsi:             "Angemeldet bleiben",
		WrongPassword:    "Benutzer-ID oder Kennwort ist falsch. Geben Sie beides richtig ein, und versuchen Sie es noch einmal.",
		Expired:          "Ihr Kennwort ist abgelaufen.",
		ErrorOpening:     "Ein Fehler ist aufgetreten",
		ErrorMessage:     "Ein Fehler ist aufgetreten. Wenden Sie sich an den Administrator.",
		ErrorDetails:     "Fehlerdetails",
		NotPermitted:     "Sie dürfen diese Seite nicht benutzen. Wenden Sie sich an den Administrator.",
		SignedIn:         "Sie sind angemeldet.",
		NotSignedIn:      "Sie sind nicht angemeldet.",
		ThisSite:         "Bei dieser Seite anmelden",
		OtherSite:        "Bei einer dieser Seiten anmelden:",
		ChooseSite:       "Seite wählen",
		Organisation:     "Mit einem dieser Konten anmelden",
		ByEmail:          "Oder die E-Mail-Adresse eingeben",
		UnknownEmail:     "Zu dieser Adresse ist keine Organisation bekannt.",
		MustUpdate:       "Ihr Kennwort ist abgelaufen und muss geändert werden.",
		OldPassword:      "Altes Kennwort",
		NewPassword:      "Neues Kennwort",
		ConfirmPassword:  "Neues Kennwort bestätigen",
		UpdateRefused:    "Das Kennwort wurde nicht geändert.",
		Welcome:          "Willkommen",
		SecondFactor:     "Aus Sicherheitsgründen wird eine weitere Angabe verlangt",
		Challenge:        "Wie lautet die Antwort?",
		Answer:           "Antwort",
		WrongAnswer:      "Die Antwort ist falsch. Versuchen Sie es noch einmal.",
		Pushed:           "Eine Anfrage wurde an Ihr Telefon gesendet. Genehmigen Sie sie, um fortzufahren.",
		PushDenied:       "Die Anfrage wurde abgelehnt.",
		VerificationCode: "Prüfcode",
		SecurityCode:     "Sicherheitscode",
		Passcode:         "Kenncode",
		NextCode:         "Warten Sie auf den nächsten Code, und geben Sie ihn ein",
		NewPin:           "Neue PIN",
		ConfirmPin:       "Neue PIN noch einmal",
		Calling:          "Sie werden benachrichtigt. Antworten Sie, um fortzufahren.",
		CallDenied:       "Die Anmeldung wurde abgelehnt. Versuchen Sie es noch einmal.",
		CallExpired:      "Sie haben nicht rechtzeitig geantwortet. Versuchen Sie es noch einmal.",
		NotEnrolled:      "Die gewählte Anmeldeart gibt es nicht für",
		EnrolAt:          "Einrichten unter",
		CallOptions:      []string{"Nachricht in der App", "Anruf", "Kurznachricht", "Code der App"},
		UserNameLabel:    "Benutzerkonto",
		ChooseMethod:     "Anmeldeart wählen",
		PickCertificate:  "Wählen Sie das Zertifikat aus, mit dem Sie sich anmelden.",
		NoCertificate:    "Die Anforderung enthält kein verwendbares Zertifikat.",
		MethodsTitle:     "Anmeldearten",

		SignInButton:      "Anmelden",
		UserNameField:     "Benutzername:",
		UserNameExample:   "Beispiel: Domäne\\Benutzername",
		PasswordField:     "Kennwort:",
		IncorrectUserName: "Benutzername oder Kennwort ist nicht richtig. Geben Sie beides noch einmal ein, und achten Sie auf Groß- und Kleinschreibung.",
		Trouble:           "Beim Zugriff auf die Website ist ein Problem aufgetreten. Rufen Sie die Website noch einmal auf. Bleibt das Problem bestehen, nennen Sie dem Administrator die Referenznummer.",
		Reference:         "Referenznummer",
		ServerError:       "Serverfehler in der Anwendung /adfs/ls.",
		SignOut:           "Bei allen Seiten abmelden",
		SignOutHere:       "Bei dieser Seite abmelden",
		Continue:          "Weiter",
	},
	"nl": {
		Lang: "nl-NL", SignIn: "Aanmelden", ErrorTitle: "Fout", UpdateTitle: "Wachtwoord bijwerken", Working: "Bezig...",
		ScriptTitle:      "JavaScript vereist",
		ScriptNeeded:     "Deze browser voert geen JavaScript uit.",
		ScriptOff:        "Scripts staan uit. Ga door met Verzenden.",
		Submit:           "Verzenden",
		Next:             "Volgende",
		LoginMessage:     "Meld u aan met uw organisatieaccount",
		Introduction:     "Hulp nodig? Bel de servicedesk.",
		UserName:         "iemand@example.com",
		Password:         "Wachtwoord",
		Kmsi:             "Aangemeld blijven",
		WrongPassword:    "Gebruikers-id of wachtwoord is onjuist. Typ beide opnieuw en probeer het nog eens.",
		Expired:          "Uw wachtwoord is verlopen.",
		ErrorOpening:     "Er is een fout opgetreden",
		ErrorMessage:     "Er is een fout opgetreden. Neem contact op met de beheerder.",
		ErrorDetails:     "Foutdetails",
		NotPermitted:     "U mag deze site niet gebruiken. Neem contact op met de beheerder.",
		SignedIn:         "U bent aangemeld.",
		NotSignedIn:      "U bent niet aangemeld.",
		ThisSite:         "Aanmelden bij deze site",
		OtherSite:        "Aanmelden bij een van deze sites:",
		ChooseSite:       "Kies een site",
		Organisation:     "Meld u aan met een van deze accounts",
		ByEmail:          "Of typ uw e-mailadres",
		UnknownEmail:     "Bij dit adres is geen organisatie bekend.",
		MustUpdate:       "Uw wachtwoord is verlopen en moet worden gewijzigd.",
		OldPassword:      "Oud wachtwoord",
		NewPassword:      "Nieuw wachtwoord",
		ConfirmPassword:  "Nieuw wachtwoord bevestigen",
		UpdateRefused:    "Het wachtwoord is niet gewijzigd.",
		Welcome:          "Welkom",
		SecondFactor:     "Uit veiligheidsoverwegingen is nog een gegeven nodig",
		Challenge:        "Wat is het antwoord?",
		Answer:           "Antwoord",
		WrongAnswer:      "Het antwoord is onjuist. Probeer het nog eens.",
		Pushed:           "Er is een verzoek naar uw telefoon gestuurd. Keur het goed om door te gaan.",
		PushDenied:       "Het verzoek is geweigerd.",
		VerificationCode: "Verificatiecode",
		SecurityCode:     "Beveiligingscode",
		Passcode:         "Toegangscode",
		NextCode:         "Wacht op de volgende code en typ die",
		NewPin:           "Nieuwe pincode",
		ConfirmPin:       "Nieuwe pincode nogmaals",
		Calling:          "Er wordt contact met u opgenomen. Antwoord om door te gaan.",
		CallDenied:       "De aanmelding is geweigerd. Probeer het nog eens.",
		CallExpired:      "U hebt niet op tijd geantwoord. Probeer het nog eens.",
		NotEnrolled:      "De gekozen methode is niet beschikbaar voor",
		EnrolAt:          "Stel hem in op",
		CallOptions:      []string{"Melding in de app", "Telefoongesprek", "Sms", "Code van de app"},
		UserNameLabel:    "Gebruikersaccount",
		ChooseMethod:     "Kies hoe u zich aanmeldt",
		PickCertificate:  "Kies het certificaat waarmee u zich aanmeldt.",
		NoCertificate:    "De aanvraag bevat geen bruikbaar certificaat.",
		MethodsTitle:     "Aanmeldopties",

		SignInButton:      "Aanmelden",
		UserNameField:     "Gebruikersnaam:",
		UserNameExample:   "Voorbeeld: Domein\\Gebruikersnaam",
		PasswordField:     "Wachtwoord:",
		IncorrectUserName: "De gebruikersnaam of het wachtwoord is niet juist. Typ beide opnieuw en let op hoofdletters.",
		Trouble:           "Er is een probleem met de toegang tot de site. Ga nogmaals naar de site. Geef de beheerder het referentienummer door als het probleem blijft.",
		Reference:         "Referentienummer",
		ServerError:       "Serverfout in de toepassing /adfs/ls.",
		SignOut:           "Afmelden bij alle sites",
		SignOutHere:       "Afmelden bij deze site",
		Continue:          "Doorgaan",
	},
}
