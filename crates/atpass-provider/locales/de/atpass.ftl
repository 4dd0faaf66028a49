### Deutsch. Was die Texte bedeuten, steht in en/atpass.ftl. Anrede: Sie.

## Every page

on-server = Sie sind bei { $host }
development-server = Entwicklungsserver, nur für diesen Computer
app-on-this-computer = Eine App auf diesem Computer
about-app = Über die App
for-developers = Für Entwickler
list-separator = {", "}

## Sign in

sign-in-title = Anmelden
sign-in-for-app = um einer App zu antworten, die Zugriff auf Ihr Konto möchte:
sign-in-for-account = um zu sehen, welche Apps Zugriff auf Ihr Konto haben.
sign-in-identifier = Handle oder E-Mail-Adresse
sign-in-locked = Die App hat nach diesem Konto gefragt. Um ein anderes zu verwenden, gehen Sie zurück zur App.
sign-in-password = Passwort
sign-in-password-goes-to = Ihr Passwort geht nur an { $host }. Die App bekommt es nie zu sehen.
sign-in-remember = Auf diesem Gerät angemeldet bleiben
sign-in-submit = Anmelden
sign-in-choose = Ein angemeldetes Konto auswählen
cancel = Abbrechen
sign-in-wrong = Handle oder E-Mail-Adresse und Passwort passen nicht zusammen. Prüfen Sie beides und versuchen Sie es noch einmal.
sign-in-disabled = Dieses Konto ist gesperrt. Wenden Sie sich an die Betreiber dieses Servers.
sign-in-too-many = Zu viele Versuche. Versuchen Sie es in etwa { $minutes ->
        [one] einer Minute
       *[other] { $minutes } Minuten
    } noch einmal.

## Choose an account

choose-title = Konto auswählen
choose-for-app = für eine App, die Zugriff darauf möchte:
use-another-account = Anderes Konto verwenden

## Allow access?

consent-title = Zugriff erlauben?
consent-heading = Zugriff auf { $handle } erlauben?
consent-app = Diese App bittet darum:
consent-permissions = Sie könnte dann:
consent-afterwards = Sie können den Zugriff jederzeit unter { $host }/account beenden. Danach geht Ihr Browser zu { $destination }.
consent-scope = Scope:
consent-account = Konto:
consent-deny = Ablehnen
consent-authorize = Erlauben

## What an app may do

permission-atproto-title = Wissen, wer Sie sind
permission-atproto-detail = Ihr Handle und die dauerhafte Kennung Ihres Kontos sehen.
permission-generic-title = Ihr Konto verwenden
permission-generic-detail = Ihre Beiträge, Likes, Follows und alle anderen Einträge lesen, anlegen, ändern und löschen, Dateien hochladen, Einstellungen ändern und bei anderen Diensten in Ihrem Namen handeln. Nicht: Ihr Passwort oder Ihr Handle ändern oder das Konto schließen.
permission-chat-title = Ihre Direktnachrichten lesen und neue senden
permission-chat-detail = In allen Ihren Unterhaltungen, alten und neuen.
permission-email-title = Ihre E-Mail-Adresse sehen
permission-email-detail = Und ob sie bestätigt ist.

## Back to the app

form-post-title = Zurück zur App
form-post-text = Ihr Browser bringt die Antwort zu { $host }.
form-post-continue = Weiter

## Your account

account-title = Ihr Konto
account-apps = Apps mit Zugriff
account-no-apps = Keine App hat Zugriff auf Ihr Konto.
account-times = Angemeldet { $began ->
        [0] in den letzten 24 Stunden
        [1] vor einem Tag
       *[other] vor { $began } Tagen
    }, zuletzt benutzt { $used ->
        [0] in den letzten 24 Stunden
        [1] vor einem Tag
       *[other] vor { $used } Tagen
    }
account-end = Zugriff beenden
account-end-label = Zugriff von { $app } beenden, angemeldet { $began ->
        [0] in den letzten 24 Stunden
        [1] vor einem Tag
       *[other] vor { $began } Tagen
    }
account-end-all = Zugriff aller { $count } Apps beenden
account-browsers = Browser
account-sign-out-here = Hier abmelden
account-sign-out-others = In allen anderen Browsern abmelden
account-sign-out-hint = Apps bleiben angemeldet, wenn Sie sich in einem Browser abmelden. Beenden Sie deren Zugriff oben.

## What went wrong

problem-form-title = Dieses Formular kann nicht verwendet werden
problem-form-foreign = Es kam nicht von dieser Seite in diesem Browser, oder Cookies sind ausgeschaltet. Gehen Sie zurück zur App und beginnen Sie von vorn.
problem-form-undecided = Es sagt nicht, wie Sie sich entschieden haben. Gehen Sie zurück und drücken Sie einen der Knöpfe.
problem-signed-out-title = Sie sind abgemeldet
problem-signed-out = Dieses Konto ist in diesem Browser nicht mehr angemeldet. Melden Sie sich wieder an, um fortzufahren.
problem-link-title = Dieser Link ist unvollständig
problem-link = Die App hat Ihren Browser hierher geschickt, ohne mitzugeben, was für die Anmeldung nötig ist. Gehen Sie zurück zur App und versuchen Sie es noch einmal.
problem-expired-title = Diese Anmeldung ist abgelaufen
problem-expired = Sie war zu lange offen oder ist schon abgeschlossen. Gehen Sie zurück zur App und beginnen Sie von vorn.
problem-request-title = Diese Anfrage kann nicht verwendet werden
problem-request = Die App hat etwas geschickt, das dieser Server nicht annimmt. Gehen Sie zurück zur App und versuchen Sie es noch einmal.
problem-ours-title = Hier ist etwas schiefgegangen
problem-ours = Das ist unser Fehler, nicht Ihrer. Es wurde nichts geändert. Bitte versuchen Sie es gleich noch einmal.
