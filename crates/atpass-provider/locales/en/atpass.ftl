### What people read on the pages. English is the language that all others are held against.
### How to add a language: docs/languages.md.
###
### An "app" is whatever asks for access to an account. A "handle" is an account's name, such as
### alice.example.com. "This server" is where the account lives.

## Every page

# $host (text): the domain of this server. The page sets it in bold; it must appear once.
on-server = You are on { $host }
development-server = Development server, for this computer only
# What an app is called that has no domain.
app-on-this-computer = An app on this computer
# A link to the app's own page, after its name.
about-app = About
# Above technical details, which stay in English.
for-developers = For developers
# Between the items of a list within a sentence.
list-separator = {", "}

## Sign in

sign-in-title = Sign in
# Goes on after the title.
sign-in-for-app = to answer an app that asks for access to your account:
# Goes on after the title.
sign-in-for-account = to see which apps have access to your account.
sign-in-identifier = Handle or email
sign-in-locked = The app asked for this account. To use another one, go back to the app.
sign-in-password = Password
# $host (text): the domain of this server.
sign-in-password-goes-to = Your password goes to { $host } only. The app never sees it.
sign-in-remember = Keep me signed in on this device
# A button.
sign-in-submit = Sign in
# A button: to the list of accounts that are signed in.
sign-in-choose = Choose a signed-in account
# A button: refuses the app.
cancel = Cancel
sign-in-wrong = That handle or e-mail and password don’t go together. Check both and try again.
sign-in-disabled = This account is disabled. Ask the people who run this server.
# $minutes (number): at least 1.
sign-in-too-many = Too many attempts. Try again in about { $minutes } min.

## Choose an account

choose-title = Choose an account
# Goes on after the title.
choose-for-app = for an app that asks for access to it:
# A button.
use-another-account = Use another account

## A new account. What was typed stays in the fields, but for the password.

sign-up-title = Create an account
# Goes on after the title.
sign-up-for-app = for an app that asks for access to it:
# A button on the pages for signing in: to the form.
sign-up-open = Create an account
sign-up-handle = Handle
sign-up-handle-hint = The name by which people know your account. It may have letters from a to z, digits and hyphens.
# The part of the handle after the name, such as ".example.com".
sign-up-domain = Domain
sign-up-locked = The app asked for this handle. To use another one, go back to the app.
sign-up-email = Email
# $least (number): 8.
sign-up-password-hint = At least { $least } characters.
sign-up-invite = Invite code
# A button.
sign-up-submit = Create account
# A button: to the form for signing in.
sign-up-sign-in = Sign in to an account you have
# Above the form. What is wrong stands next to the fields.
sign-up-problem = The account was not created yet. Change what is marked below, and type the password again.
sign-up-handle-taken = This handle is taken. Choose another one.
sign-up-handle-refused = This handle can’t be had here: it may be too short, too long or reserved. Choose another one, of letters from a to z, digits and hyphens.
sign-up-email-wrong = No e-mail can go to this address. Check that it looks like name@example.com.
sign-up-email-taken = Another account has this e-mail address. Use another one, or sign in to that account.
# $least (number): 8.
sign-up-password-short = This password is too short. Use at least { $least } characters.
# $most (number): 256.
sign-up-password-long = This password is too long. Use at most { $most } characters.
sign-up-invite-wrong = This invite code isn’t valid or was used already. Check it, or ask for another one.
sign-up-unavailable = The account can’t be created at the moment, and it isn’t your fault. Try again in a few minutes. What you typed is still here, but for the password.

## Allow access?

consent-title = Allow access?
# $handle (text): the account.
consent-heading = Allow access to { $handle }?
# Before the name of the app.
consent-app = This app asks for it:
# Before a list of the permissions below.
consent-permissions = It could then:
# $host (text): the domain of this server; "/account" follows at once, it is an address.
# $destination (text): where the browser goes.
consent-afterwards = You can end its access at any time at { $host }/account. Afterwards your browser goes to { $destination }.
# Before the technical name of the permissions.
consent-scope = Scope:
# Before the technical name of the account.
consent-account = Account:
# Two buttons.
consent-deny = Deny
consent-authorize = Authorize

## What an app may do. The titles go on after "It could then:", and also stand alone on the account page.

permission-atproto-title = Know who you are
permission-atproto-detail = See your handle and your account’s permanent identifier.
permission-generic-title = Use your account
permission-generic-detail = Read, create, change and delete your posts, likes, follows and all other records, upload files, change preferences, and act for you at other services. Not your password, your handle or closing the account.
permission-chat-title = Read and send your direct messages
permission-chat-detail = All of your conversations, old and new.
permission-email-title = See your e-mail address
permission-email-detail = And whether it is confirmed.
permission-set-defined = Defined by { $domain }.
# Opens a list of them.
permission-list = Technical names
# $actions: all, create, update, delete, create-update, create-delete or update-delete.
permission-repo-title = { $actions ->
        [create] Create records
        [update] Change records
        [delete] Delete records
        [create-update] Create and change records
        [create-delete] Create and delete records
        [update-delete] Change and delete records
       *[all] Create, change and delete records
    }
permission-repo-everything = All of your records: posts, likes, follows and those of every other app.
# $count (number): at least 1. $domain: who defined them.
permission-repo-kinds = { $count ->
        [one] Of 1 kind, defined by { $domain }.
       *[other] Of { $count } kinds, defined by { $domain }.
    }
# $count (number): at least 2. $domains (number): at least 2.
permission-repo-many = Of { $count } kinds, defined by { $domains } different domains.
# $service: the domain or the identifier of a service.
permission-rpc-title = Act for you at { $service }
permission-rpc-anywhere-title = Act for you at any service
permission-rpc-everything = Everything that this service offers.
# $count (number): at least 1. $domain: who defined them.
permission-rpc-kinds = { $count ->
        [one] 1 kind of request, defined by { $domain }.
       *[other] { $count } kinds of requests, defined by { $domain }.
    }
permission-rpc-many = { $count } kinds of requests, defined by { $domains } different domains.
permission-blob-title = Upload files
# $kinds: a list of kinds, see below, or of technical names.
permission-blob-kinds = To your account: { $kinds }.
permission-blob-any = files of every kind
permission-blob-image = images
permission-blob-video = videos
permission-blob-audio = sounds
permission-email-manage-title = See and change your e-mail address
permission-email-manage-detail = The address to which this server writes when you forget your password.
permission-import-title = Replace all of your records
permission-import-detail = By a whole file of them, as when you move here from another server.
permission-import-read-title = Know of imports
permission-import-read-detail = Nothing yet: no server offers anything for it.
permission-status-title = See whether your account is active
permission-status-detail = And why not, if it isn’t.
permission-status-manage-title = Switch your account off and on
permission-status-manage-detail = While it is off, nobody sees it.
permission-handle-title = Change your handle
permission-handle-detail = The name by which people know your account.
permission-identity-title = Control your identity
permission-identity-detail = Change the keys of your account and the server that it is at. With that, an app can take your account away from you.
permission-space-title = Use your private spaces
permission-space-detail = Records that only some people may see.

## Back to the app

form-post-title = Back to the app
# $host (text): where the app runs.
form-post-text = Your browser takes the answer to { $host }.
# A button.
form-post-continue = Continue

## Your account

account-title = Your account
account-apps = Apps with access
account-no-apps = No app has access to your account.
# $began (number): days since the app got access. $used (number): days since it last used it.
account-times = Signed in { $began ->
        [0] within the last day
        [1] a day ago
       *[other] { $began } days ago
    }, last used { $used ->
        [0] within the last day
        [1] a day ago
       *[other] { $used } days ago
    }
# A button.
account-end = End access
# The same button, as a screen reader says it. $app (text); $began (number): days, as above.
account-end-label = End access of { $app }, signed in { $began ->
        [0] within the last day
        [1] a day ago
       *[other] { $began } days ago
    }
# A button. $count (number): of apps, at least 2.
account-end-all = End access of all { $count }
account-browsers = Browsers
# Two buttons.
account-sign-out-here = Sign out here
account-sign-out-others = Sign out of all other browsers
account-sign-out-hint = Apps stay signed in when you sign out of a browser. End their access above.

## What went wrong

problem-form-title = This form can’t be used
problem-form-foreign = It didn’t come from this page in this browser, or cookies are switched off. Go back to the app and start again.
problem-form-undecided = It doesn’t say what you decided. Go back and press one of the buttons.
problem-signed-out-title = You are signed out
problem-signed-out = This account is no longer signed in in this browser. Sign in again to go on.
problem-link-title = This link isn’t complete
problem-link = The app sent your browser here without what is needed to sign in. Go back to the app and try again.
problem-expired-title = This sign-in has expired
problem-expired = It was open for too long, or was finished already. Go back to the app and start again.
problem-request-title = This request can’t be used
problem-request = The app sent something that this server doesn’t accept. Go back to the app and try again.
problem-ours-title = Something went wrong here
problem-ours = This is our fault, not yours. Nothing was changed. Please try again in a moment.
