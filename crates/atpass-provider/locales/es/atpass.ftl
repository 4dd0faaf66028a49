### Español. El sentido de los textos se explica en en/atpass.ftl. Tratamiento: usted.

## Every page

on-server = Está en { $host }
development-server = Servidor de desarrollo, solo para este equipo
app-on-this-computer = Una aplicación en este equipo
about-app = Acerca de
for-developers = Para desarrolladores
list-separator = {", "}

## Sign in

sign-in-title = Inicie sesión
sign-in-for-app = para responder a una aplicación que pide acceso a su cuenta:
sign-in-for-account = para ver qué aplicaciones tienen acceso a su cuenta.
sign-in-identifier = Nombre de usuario o correo electrónico
sign-in-locked = La aplicación ha pedido esta cuenta. Para usar otra, vuelva a la aplicación.
sign-in-password = Contraseña
sign-in-password-goes-to = Su contraseña solo se envía a { $host }. La aplicación nunca la ve.
sign-in-remember = Mantener la sesión iniciada en este dispositivo
sign-in-submit = Iniciar sesión
sign-in-choose = Elegir una cuenta con sesión iniciada
cancel = Cancelar
sign-in-wrong = El nombre de usuario o correo electrónico y la contraseña no coinciden. Compruébelos e inténtelo de nuevo.
sign-in-disabled = Esta cuenta está desactivada. Consulte a los responsables de este servidor.
sign-in-too-many = Demasiados intentos. Vuelva a intentarlo dentro de { $minutes ->
        [one] un minuto
       *[other] unos { $minutes } minutos
    }.

## Choose an account

choose-title = Elija una cuenta
choose-for-app = para una aplicación que pide acceso a ella:
use-another-account = Usar otra cuenta

## A new account

sign-up-title = Cree una cuenta
sign-up-for-app = para una aplicación que pide acceso a ella:
sign-up-open = Crear una cuenta
sign-up-handle = Nombre de usuario
sign-up-handle-hint = El nombre por el que se conocerá su cuenta. Puede tener letras de la a a la z, cifras y guiones.
sign-up-domain = Dominio
sign-up-locked = La aplicación ha pedido este nombre de usuario. Para usar otro, vuelva a la aplicación.
sign-up-email = Correo electrónico
sign-up-password-hint = Al menos { $least } caracteres.
sign-up-invite = Código de invitación
sign-up-submit = Crear la cuenta
sign-up-sign-in = Iniciar sesión con una cuenta que ya tiene
sign-up-problem = La cuenta aún no se ha creado. Cambie lo que está marcado abajo y vuelva a escribir la contraseña.
sign-up-handle-taken = Este nombre de usuario ya está en uso. Elija otro.
sign-up-handle-refused = Este nombre de usuario no es posible aquí: puede que sea demasiado corto, demasiado largo o esté reservado. Elija otro con letras de la a a la z, cifras y guiones.
sign-up-email-wrong = No se puede enviar correo a esta dirección. Compruebe que se parezca a nombre@example.com.
sign-up-email-taken = Otra cuenta tiene esta dirección de correo electrónico. Use otra o inicie sesión con esa cuenta.
sign-up-password-short = Esta contraseña es demasiado corta. Use al menos { $least } caracteres.
sign-up-password-long = Esta contraseña es demasiado larga. Use como máximo { $most } caracteres.
sign-up-invite-wrong = Este código de invitación no es válido o ya se ha usado. Compruébelo o pida otro.
sign-up-unavailable = La cuenta no se puede crear en este momento, y no es culpa suya. Inténtelo de nuevo dentro de unos minutos. Lo que ha escrito sigue aquí, menos la contraseña.

## Allow access?

consent-title = ¿Permitir el acceso?
consent-heading = ¿Permitir el acceso a { $handle }?
consent-app = Lo pide esta aplicación:
consent-permissions = Con ello podría:
consent-afterwards = Puede poner fin a su acceso en cualquier momento en { $host }/account. Después, su navegador irá a { $destination }.
consent-scope = Ámbito:
consent-account = Cuenta:
consent-deny = Denegar
consent-authorize = Autorizar

## What an app may do

permission-atproto-title = Saber quién es usted
permission-atproto-detail = Ver su nombre de usuario y el identificador permanente de su cuenta.
permission-generic-title = Usar su cuenta
permission-generic-detail = Leer, crear, cambiar y eliminar sus publicaciones, sus «me gusta», las cuentas que sigue y todos los demás registros, subir archivos, cambiar preferencias y actuar en su nombre ante otros servicios. No puede cambiar su contraseña ni su nombre de usuario, ni cerrar la cuenta.
permission-chat-title = Leer sus mensajes directos y enviar nuevos
permission-chat-detail = En todas sus conversaciones, antiguas y nuevas.
permission-email-title = Ver su dirección de correo electrónico
permission-email-detail = Y si está confirmada.
permission-set-defined = Definido por { $domain }.
permission-list = Nombres técnicos
permission-repo-title = { $actions ->
        [create] Crear registros
        [update] Modificar registros
        [delete] Eliminar registros
        [create-update] Crear y modificar registros
        [create-delete] Crear y eliminar registros
        [update-delete] Modificar y eliminar registros
       *[all] Crear, modificar y eliminar registros
    }
permission-repo-everything = Todos sus registros: publicaciones, me gusta, seguimientos y los de cualquier otra aplicación.
permission-repo-kinds = { $count ->
        [one] De 1 tipo, definido por { $domain }.
       *[other] De { $count } tipos, definidos por { $domain }.
    }
permission-repo-many = De { $count } tipos, definidos por { $domains } dominios distintos.
permission-rpc-title = Actuar por usted en { $service }
permission-rpc-anywhere-title = Actuar por usted en cualquier servicio
permission-rpc-everything = Todo lo que ofrece este servicio.
permission-rpc-kinds = { $count ->
        [one] 1 tipo de solicitud, definido por { $domain }.
       *[other] { $count } tipos de solicitudes, definidos por { $domain }.
    }
permission-rpc-many = { $count } tipos de solicitudes, definidos por { $domains } dominios distintos.
permission-blob-title = Subir archivos
permission-blob-kinds = A su cuenta: { $kinds }.
permission-blob-any = archivos de cualquier tipo
permission-blob-image = imágenes
permission-blob-video = vídeos
permission-blob-audio = sonidos
permission-email-manage-title = Ver y cambiar su correo electrónico
permission-email-manage-detail = La dirección a la que escribe este servidor cuando usted olvida su contraseña.
permission-import-title = Sustituir todos sus registros
permission-import-detail = Por un archivo completo, como al mudarse aquí desde otro servidor.
permission-import-read-title = Conocer las importaciones
permission-import-read-detail = Nada por ahora: ningún servidor ofrece nada para ello.
permission-status-title = Ver si su cuenta está activa
permission-status-detail = Y por qué no, si no lo está.
permission-status-manage-title = Desactivar y activar su cuenta
permission-status-manage-detail = Mientras está desactivada, nadie la ve.
permission-handle-title = Cambiar su nombre de usuario
permission-handle-detail = El nombre por el que se conoce su cuenta.
permission-identity-title = Controlar su identidad
permission-identity-detail = Cambiar las claves de su cuenta y el servidor en el que está. Con eso, una aplicación puede quitarle la cuenta.
permission-space-title = Usar sus espacios privados
permission-space-detail = Registros que solo algunas personas pueden ver.

## Back to the app

form-post-title = De vuelta a la aplicación
form-post-text = Su navegador lleva la respuesta a { $host }.
form-post-continue = Continuar

## Your account

account-title = Su cuenta
account-apps = Aplicaciones con acceso
account-no-apps = Ninguna aplicación tiene acceso a su cuenta.
account-times = Sesión iniciada { $began ->
        [0] en las últimas 24 horas
        [1] hace un día
       *[other] hace { $began } días
    }, usada por última vez { $used ->
        [0] en las últimas 24 horas
        [1] hace un día
       *[other] hace { $used } días
    }
account-end = Poner fin al acceso
account-end-label = Poner fin al acceso de { $app }, sesión iniciada { $began ->
        [0] en las últimas 24 horas
        [1] hace un día
       *[other] hace { $began } días
    }
account-end-all = Poner fin al acceso de las { $count } aplicaciones
account-browsers = Navegadores
account-sign-out-here = Cerrar sesión aquí
account-sign-out-others = Cerrar sesión en todos los demás navegadores
account-sign-out-hint = Las aplicaciones conservan su sesión cuando usted cierra la suya en un navegador. Ponga fin a su acceso más arriba.

## What went wrong

problem-form-title = Este formulario no se puede usar
problem-form-foreign = No procede de esta página en este navegador, o las cookies están desactivadas. Vuelva a la aplicación y empiece de nuevo.
problem-form-undecided = No indica lo que ha decidido. Vuelva atrás y pulse uno de los botones.
problem-signed-out-title = Ha cerrado la sesión
problem-signed-out = Esta cuenta ya no tiene la sesión iniciada en este navegador. Vuelva a iniciar sesión para continuar.
problem-link-title = Este enlace está incompleto
problem-link = La aplicación ha enviado su navegador aquí sin lo necesario para iniciar sesión. Vuelva a la aplicación e inténtelo de nuevo.
problem-expired-title = Este inicio de sesión ha caducado
problem-expired = Estuvo abierto demasiado tiempo o ya ha terminado. Vuelva a la aplicación y empiece de nuevo.
problem-request-title = Esta solicitud no se puede usar
problem-request = La aplicación ha enviado algo que este servidor no acepta. Vuelva a la aplicación e inténtelo de nuevo.
problem-ours-title = Algo ha fallado aquí
problem-ours = Es culpa nuestra, no suya. No se ha cambiado nada. Inténtelo de nuevo dentro de un momento.
