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

## A new account

sign-up-title = Konto anlegen
sign-up-for-app = für eine App, die Zugriff darauf möchte:
sign-up-open = Konto anlegen
sign-up-handle = Handle
sign-up-handle-hint = Der Name, unter dem man Ihr Konto kennt. Er kann Buchstaben von a bis z, Ziffern und Bindestriche enthalten.
sign-up-domain = Domain
sign-up-locked = Die App hat nach diesem Handle gefragt. Um ein anderes zu verwenden, gehen Sie zurück zur App.
sign-up-email = E-Mail-Adresse
sign-up-password-hint = Mindestens { $least } Zeichen.
sign-up-invite = Einladungscode
sign-up-submit = Konto anlegen
sign-up-sign-in = Mit einem vorhandenen Konto anmelden
sign-up-problem = Das Konto wurde noch nicht angelegt. Ändern Sie, was unten markiert ist, und geben Sie das Passwort noch einmal ein.
sign-up-handle-taken = Dieses Handle ist vergeben. Wählen Sie ein anderes.
sign-up-handle-refused = Dieses Handle ist hier nicht möglich: Vielleicht ist es zu kurz, zu lang oder reserviert. Wählen Sie ein anderes aus Buchstaben von a bis z, Ziffern und Bindestrichen.
sign-up-email-wrong = An diese Adresse kann keine E-Mail gehen. Prüfen Sie, ob sie wie name@example.com aussieht.
sign-up-email-taken = Ein anderes Konto hat diese E-Mail-Adresse. Verwenden Sie eine andere, oder melden Sie sich mit jenem Konto an.
sign-up-password-short = Dieses Passwort ist zu kurz. Verwenden Sie mindestens { $least } Zeichen.
sign-up-password-long = Dieses Passwort ist zu lang. Verwenden Sie höchstens { $most } Zeichen.
sign-up-invite-wrong = Dieser Einladungscode ist ungültig oder schon verbraucht. Prüfen Sie ihn, oder bitten Sie um einen anderen.
sign-up-unavailable = Das Konto kann im Moment nicht angelegt werden, und das liegt nicht an Ihnen. Versuchen Sie es in ein paar Minuten noch einmal. Was Sie eingegeben haben, steht noch da, nur das Passwort nicht.

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
permission-set-defined = Festgelegt von { $domain }.
permission-list = Technische Namen
permission-repo-title = { $actions ->
        [create] Einträge anlegen
        [update] Einträge ändern
        [delete] Einträge löschen
        [create-update] Einträge anlegen und ändern
        [create-delete] Einträge anlegen und löschen
        [update-delete] Einträge ändern und löschen
       *[all] Einträge anlegen, ändern und löschen
    }
permission-repo-everything = Alle Ihre Einträge: Beiträge, Likes, Follows und die jeder anderen App.
permission-repo-kinds = { $count ->
        [one] Einer Art, festgelegt von { $domain }.
       *[other] Von { $count } Arten, festgelegt von { $domain }.
    }
permission-repo-many = Von { $count } Arten, festgelegt von { $domains } verschiedenen Domains.
permission-rpc-title = Bei { $service } für Sie handeln
permission-rpc-anywhere-title = Bei jedem Dienst für Sie handeln
permission-rpc-everything = Alles, was dieser Dienst anbietet.
permission-rpc-kinds = { $count ->
        [one] Eine Art von Anfragen, festgelegt von { $domain }.
       *[other] { $count } Arten von Anfragen, festgelegt von { $domain }.
    }
permission-rpc-many = { $count } Arten von Anfragen, festgelegt von { $domains } verschiedenen Domains.
permission-blob-title = Dateien hochladen
permission-blob-kinds = In Ihr Konto: { $kinds }.
permission-blob-any = Dateien jeder Art
permission-blob-image = Bilder
permission-blob-video = Videos
permission-blob-audio = Tonaufnahmen
permission-email-manage-title = Ihre E-Mail-Adresse sehen und ändern
permission-email-manage-detail = Die Adresse, an die dieser Server schreibt, wenn Sie Ihr Passwort vergessen.
permission-import-title = Alle Ihre Einträge ersetzen
permission-import-detail = Durch eine ganze Datei davon, wie beim Umzug von einem anderen Server.
permission-import-read-title = Von Importen wissen
permission-import-read-detail = Noch nichts: kein Server bietet dafür etwas an.
permission-status-title = Sehen, ob Ihr Konto aktiv ist
permission-status-detail = Und warum nicht, falls es das nicht ist.
permission-status-manage-title = Ihr Konto aus- und einschalten
permission-status-manage-detail = Solange es ausgeschaltet ist, sieht es niemand.
permission-handle-title = Ihr Handle ändern
permission-handle-detail = Den Namen, unter dem man Ihr Konto kennt.
permission-identity-title = Ihre Identität beherrschen
permission-identity-detail = Die Schlüssel Ihres Kontos und den Server ändern, auf dem es liegt. Damit kann eine App Ihnen das Konto wegnehmen.
permission-space-title = Ihre privaten Räume benutzen
permission-space-detail = Einträge, die nur manche Leute sehen dürfen.

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
