### Français. Le sens des textes est expliqué dans en/atpass.ftl. Vouvoiement.
### Les espaces avant « : », « ? » et « » » sont insécables.

## Every page

on-server = Vous êtes sur { $host }
development-server = Serveur de développement, pour cet ordinateur uniquement
app-on-this-computer = Une application sur cet ordinateur
about-app = À propos
for-developers = Pour les développeurs
list-separator = {", "}

## Sign in

sign-in-title = Connectez-vous
sign-in-for-app = pour répondre à une application qui demande l’accès à votre compte :
sign-in-for-account = pour voir quelles applications ont accès à votre compte.
sign-in-identifier = Pseudo ou adresse e-mail
sign-in-locked = L’application a demandé ce compte. Pour en utiliser un autre, retournez dans l’application.
sign-in-password = Mot de passe
sign-in-password-goes-to = Votre mot de passe n’est envoyé qu’à { $host }. L’application ne le voit jamais.
sign-in-remember = Rester connecté sur cet appareil
sign-in-submit = Se connecter
sign-in-choose = Choisir un compte déjà connecté
cancel = Annuler
sign-in-wrong = Ce pseudo ou cette adresse e-mail et ce mot de passe ne vont pas ensemble. Vérifiez-les et réessayez.
sign-in-disabled = Ce compte est désactivé. Adressez-vous aux responsables de ce serveur.
sign-in-too-many = Trop de tentatives. Réessayez dans environ { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.

## Choose an account

choose-title = Choisissez un compte
choose-for-app = pour une application qui demande à y accéder :
use-another-account = Utiliser un autre compte

## A new account

sign-up-title = Créez un compte
sign-up-for-app = pour une application qui demande à y accéder :
sign-up-open = Créer un compte
sign-up-handle = Pseudo
sign-up-handle-hint = Le nom sous lequel on connaîtra votre compte. Il peut contenir des lettres de a à z, des chiffres et des traits d’union.
sign-up-domain = Domaine
sign-up-locked = L’application a demandé ce pseudo. Pour en utiliser un autre, retournez dans l’application.
sign-up-email = Adresse e-mail
sign-up-password-hint = Au moins { $least } caractères.
sign-up-invite = Code d’invitation
sign-up-submit = Créer le compte
sign-up-sign-in = Se connecter à un compte existant
sign-up-problem = Le compte n’a pas encore été créé. Modifiez ce qui est marqué ci-dessous et saisissez de nouveau le mot de passe.
sign-up-handle-taken = Ce pseudo est déjà pris. Choisissez-en un autre.
sign-up-handle-refused = Ce pseudo n’est pas possible ici : il est peut-être trop court, trop long ou réservé. Choisissez-en un autre, avec des lettres de a à z, des chiffres et des traits d’union.
sign-up-email-wrong = Aucun e-mail ne peut être envoyé à cette adresse. Vérifiez qu’elle ressemble à nom@example.com.
sign-up-email-taken = Un autre compte a cette adresse e-mail. Utilisez-en une autre, ou connectez-vous à ce compte.
sign-up-password-short = Ce mot de passe est trop court. Utilisez au moins { $least } caractères.
sign-up-password-long = Ce mot de passe est trop long. Utilisez au plus { $most } caractères.
sign-up-invite-wrong = Ce code d’invitation n’est pas valable ou a déjà été utilisé. Vérifiez-le, ou demandez-en un autre.
sign-up-unavailable = Le compte ne peut pas être créé pour le moment, et ce n’est pas de votre faute. Réessayez dans quelques minutes. Ce que vous avez saisi est toujours là, sauf le mot de passe.

## Allow access?

consent-title = Autoriser l’accès ?
consent-heading = Autoriser l’accès à { $handle } ?
consent-app = Cette application le demande :
consent-permissions = Elle pourrait alors :
consent-afterwards = Vous pouvez mettre fin à son accès à tout moment sur { $host }/account. Ensuite, votre navigateur ira sur { $destination }.
consent-scope = Portée :
consent-account = Compte :
consent-deny = Refuser
consent-authorize = Autoriser

## What an app may do

permission-atproto-title = Savoir qui vous êtes
permission-atproto-detail = Voir votre pseudo et l’identifiant permanent de votre compte.
permission-generic-title = Utiliser votre compte
permission-generic-detail = Lire, créer, modifier et supprimer vos publications, vos « j’aime », vos abonnements et tous vos autres enregistrements, envoyer des fichiers, modifier vos préférences et agir en votre nom auprès d’autres services. Mais ni changer votre mot de passe ou votre pseudo, ni fermer le compte.
permission-chat-title = Lire vos messages privés et en envoyer
permission-chat-detail = Dans toutes vos conversations, anciennes et nouvelles.
permission-email-title = Voir votre adresse e-mail
permission-email-detail = Et si elle est confirmée.
permission-set-defined = Défini par { $domain }.
permission-list = Noms techniques
permission-repo-title = { $actions ->
        [create] Créer des enregistrements
        [update] Modifier des enregistrements
        [delete] Supprimer des enregistrements
        [create-update] Créer et modifier des enregistrements
        [create-delete] Créer et supprimer des enregistrements
        [update-delete] Modifier et supprimer des enregistrements
       *[all] Créer, modifier et supprimer des enregistrements
    }
permission-repo-everything = Tous vos enregistrements : publications, mentions J’aime, abonnements et ceux de toute autre application.
permission-repo-kinds = { $count ->
        [one] D’un type, défini par { $domain }.
       *[other] De { $count } types, définis par { $domain }.
    }
permission-repo-many = De { $count } types, définis par { $domains } domaines différents.
permission-rpc-title = Agir pour vous auprès de { $service }
permission-rpc-anywhere-title = Agir pour vous auprès de n’importe quel service
permission-rpc-everything = Tout ce que ce service propose.
permission-rpc-kinds = { $count ->
        [one] 1 type de requête, défini par { $domain }.
       *[other] { $count } types de requêtes, définis par { $domain }.
    }
permission-rpc-many = { $count } types de requêtes, définis par { $domains } domaines différents.
permission-blob-title = Envoyer des fichiers
permission-blob-kinds = Vers votre compte : { $kinds }.
permission-blob-any = fichiers de tout type
permission-blob-image = images
permission-blob-video = vidéos
permission-blob-audio = sons
permission-email-manage-title = Voir et modifier votre adresse e-mail
permission-email-manage-detail = L’adresse à laquelle ce serveur écrit quand vous oubliez votre mot de passe.
permission-import-title = Remplacer tous vos enregistrements
permission-import-detail = Par un fichier entier, comme lorsque vous arrivez d’un autre serveur.
permission-import-read-title = Connaître les importations
permission-import-read-detail = Rien pour l’instant : aucun serveur ne propose rien pour cela.
permission-status-title = Voir si votre compte est actif
permission-status-detail = Et pourquoi, s’il ne l’est pas.
permission-status-manage-title = Désactiver et réactiver votre compte
permission-status-manage-detail = Tant qu’il est désactivé, personne ne le voit.
permission-handle-title = Changer votre pseudo
permission-handle-detail = Le nom sous lequel on connaît votre compte.
permission-identity-title = Contrôler votre identité
permission-identity-detail = Changer les clés de votre compte et le serveur où il se trouve. Une application peut ainsi vous prendre votre compte.
permission-space-title = Utiliser vos espaces privés
permission-space-detail = Des enregistrements que seules certaines personnes peuvent voir.

## Back to the app

form-post-title = Retour à l’application
form-post-text = Votre navigateur transmet la réponse à { $host }.
form-post-continue = Continuer

## Your account

account-title = Votre compte
account-apps = Applications ayant accès
account-no-apps = Aucune application n’a accès à votre compte.
account-times = Connexion { $began ->
        [0] au cours des dernières 24 heures
        [1] il y a un jour
       *[other] il y a { $began } jours
    }, dernière utilisation { $used ->
        [0] au cours des dernières 24 heures
        [1] il y a un jour
       *[other] il y a { $used } jours
    }
account-end = Mettre fin à l’accès
account-end-label = Mettre fin à l’accès de { $app }, connexion { $began ->
        [0] au cours des dernières 24 heures
        [1] il y a un jour
       *[other] il y a { $began } jours
    }
account-end-all = Mettre fin à l’accès des { $count } applications
account-browsers = Navigateurs
account-sign-out-here = Se déconnecter ici
account-sign-out-others = Se déconnecter de tous les autres navigateurs
account-sign-out-hint = Les applications restent connectées quand vous vous déconnectez d’un navigateur. Mettez fin à leur accès ci-dessus.

## What went wrong

problem-form-title = Ce formulaire n’est pas utilisable
problem-form-foreign = Il ne vient pas de cette page dans ce navigateur, ou les cookies sont désactivés. Retournez dans l’application et recommencez.
problem-form-undecided = Il n’indique pas ce que vous avez décidé. Revenez en arrière et appuyez sur l’un des boutons.
problem-signed-out-title = Vous êtes déconnecté
problem-signed-out = Ce compte n’est plus connecté dans ce navigateur. Reconnectez-vous pour continuer.
problem-link-title = Ce lien est incomplet
problem-link = L’application a envoyé votre navigateur ici sans ce qu’il faut pour se connecter. Retournez dans l’application et réessayez.
problem-expired-title = Cette connexion a expiré
problem-expired = Elle est restée ouverte trop longtemps, ou elle est déjà terminée. Retournez dans l’application et recommencez.
problem-request-title = Cette demande n’est pas utilisable
problem-request = L’application a envoyé quelque chose que ce serveur n’accepte pas. Retournez dans l’application et réessayez.
problem-ours-title = Une erreur s’est produite ici
problem-ours = C’est de notre faute, pas de la vôtre. Rien n’a été modifié. Veuillez réessayer dans un instant.
